/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: every change of a page's state, every request, every step of a
 * page-in that somebody waits for, every event.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tarn

#if !defined(TARN_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TARN_TRACE_H

#include <linux/tracepoint.h>

#include "page/pending.h"
#include "pager/io.h"
#include "pool/entry.h"
#include "pool/partition.h"

#define tarn_show_state(e)						\
	__print_symbolic(e, { TARN_PAGE_EMPTY, "empty" },		\
		{ TARN_PAGE_RESIDENT, "resident" },			\
		{ TARN_PAGE_PATTERN, "pattern" },			\
		{ TARN_PAGE_SHARED, "shared" },				\
		{ TARN_PAGE_PAGED, "paged" },				\
		{ TARN_PAGE_BACKED, "backed" },				\
		{ TARN_PAGE_BALLOON, "balloon" },			\
		{ TARN_PAGE_LOCKED, "locked" })

#define tarn_show_mark(m)						\
	__print_symbolic(m, { TARN_MARK_NONE, "none" },			\
		{ TARN_MARK_FILL, "fill" }, { TARN_MARK_IN, "in" },	\
		{ TARN_MARK_OUT, "out" }, { TARN_MARK_RESCUED, "rescued" }, \
		{ TARN_MARK_MOVE, "move" })

#define tarn_show_op(op)						\
	__print_symbolic(op, { TARN_OP_LOAD, "load" },			\
		{ TARN_OP_STORE, "store" }, { TARN_OP_DROP, "drop" })

#define tarn_show_fault(state)						\
	__print_symbolic(state, { TARN_FAULT_FRAME, "frame" },		\
		{ TARN_FAULT_NO_PAGER, "no_pager" },			\
		{ TARN_FAULT_READ, "read" }, { TARN_FAULT_MOVE, "move" }, \
		{ TARN_FAULT_DONE, "done" })

TRACE_EVENT(tarn_page_state,
	TP_PROTO(u32 partition, u64 index, u64 from, u64 to),
	TP_ARGS(partition, index, from, to),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u64, index)
		__field(u64, from)
		__field(u64, to)
	),
	TP_fast_assign(
		__entry->partition = partition;
		__entry->index = index;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("partition=%u index=%llu %s/%s -> %s/%s payload=%llx",
		  __entry->partition, __entry->index,
		  tarn_show_state(__entry->from & TARN_ENTRY_STATE),
		  tarn_show_mark((__entry->from & TARN_ENTRY_MARK) >>
				 TARN_ENTRY_MARK_SHIFT),
		  tarn_show_state(__entry->to & TARN_ENTRY_STATE),
		  tarn_show_mark((__entry->to & TARN_ENTRY_MARK) >>
				 TARN_ENTRY_MARK_SHIFT),
		  __entry->to >> TARN_ENTRY_PAYLOAD_SHIFT)
);

DECLARE_EVENT_CLASS(tarn_request,
	TP_PROTO(const struct tarn_io *io),
	TP_ARGS(io),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u64, index)
		__field(u64, frame)
		__field(u64, cookie)
		__field(u8, flags)
		__field(u16, run)
	),
	TP_fast_assign(
		__entry->partition = io->part->id;
		__entry->index = io->index;
		__entry->frame = io->frame;
		__entry->cookie = io->cookie;
		__entry->flags = io->flags;
		__entry->run = io->run;
	),
	TP_printk("partition=%u index=%llu frame=%llu cookie=%llx flags=%x run=%u",
		  __entry->partition, __entry->index, __entry->frame,
		  __entry->cookie, __entry->flags, __entry->run)
);

DEFINE_EVENT(tarn_request, tarn_load,
	TP_PROTO(const struct tarn_io *io), TP_ARGS(io));
DEFINE_EVENT(tarn_request, tarn_store,
	TP_PROTO(const struct tarn_io *io), TP_ARGS(io));

TRACE_EVENT(tarn_io_done,
	TP_PROTO(const struct tarn_io *io, int result),
	TP_ARGS(io, result),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u64, index)
		__field(u8, op)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->partition = io->part->id;
		__entry->index = io->index;
		__entry->op = io->op;
		__entry->result = result;
	),
	TP_printk("partition=%u index=%llu %s result=%d", __entry->partition,
		  __entry->index, tarn_show_op(__entry->op), __entry->result)
);

DECLARE_EVENT_CLASS(tarn_fault,
	TP_PROTO(const struct tarn_pending *p, int result),
	TP_ARGS(p, result),
	TP_STRUCT__entry(
		__field(u64, number)
		__field(u32, partition)
		__field(u64, index)
		__field(u32, state)
		__field(int, result)
		__field(u64, age_ns)
	),
	TP_fast_assign(
		__entry->number = p->number;
		__entry->partition = p->part->id;
		__entry->index = p->index;
		__entry->state = p->state;
		__entry->result = result;
		__entry->age_ns = ktime_to_ns(ktime_sub(ktime_get(), p->start));
	),
	TP_printk("number=%llu partition=%u index=%llu %s result=%d age_ns=%llu",
		  __entry->number, __entry->partition, __entry->index,
		  tarn_show_fault(__entry->state), __entry->result,
		  __entry->age_ns)
);

DEFINE_EVENT(tarn_fault, tarn_fault_begin,
	TP_PROTO(const struct tarn_pending *p, int result), TP_ARGS(p, result));
DEFINE_EVENT(tarn_fault, tarn_fault_state,
	TP_PROTO(const struct tarn_pending *p, int result), TP_ARGS(p, result));
DEFINE_EVENT(tarn_fault, tarn_fault_end,
	TP_PROTO(const struct tarn_pending *p, int result), TP_ARGS(p, result));

TRACE_EVENT(tarn_event,
	TP_PROTO(u32 type, u32 partition, u64 index, s64 value),
	TP_ARGS(type, partition, index, value),
	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, partition)
		__field(u64, index)
		__field(s64, value)
	),
	TP_fast_assign(
		__entry->type = type;
		__entry->partition = partition;
		__entry->index = index;
		__entry->value = value;
	),
	TP_printk("type=%u partition=%u index=%llu value=%lld", __entry->type,
		  __entry->partition, __entry->index, __entry->value)
);

TRACE_EVENT(tarn_reclaim,
	TP_PROTO(u32 partition, u64 hand, u32 scanned, u32 taken, u32 busy),
	TP_ARGS(partition, hand, scanned, taken, busy),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u64, hand)
		__field(u32, scanned)
		__field(u32, taken)
		__field(u32, busy)
	),
	TP_fast_assign(
		__entry->partition = partition;
		__entry->hand = hand;
		__entry->scanned = scanned;
		__entry->taken = taken;
		__entry->busy = busy;
	),
	TP_printk("partition=%u hand=%llu scanned=%u taken=%u busy=%u",
		  __entry->partition, __entry->hand, __entry->scanned,
		  __entry->taken, __entry->busy)
);

TRACE_EVENT(tarn_block_promote,
	TP_PROTO(u32 partition, u64 index, u32 frames),
	TP_ARGS(partition, index, frames),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u64, index)
		__field(u32, frames)
	),
	TP_fast_assign(
		__entry->partition = partition;
		__entry->index = index;
		__entry->frames = frames;
	),
	TP_printk("partition=%u index=%llu frames=%u", __entry->partition,
		  __entry->index, __entry->frames)
);

TRACE_EVENT(tarn_block_remap,
	TP_PROTO(u32 partition, u64 index, unsigned long addr, bool done),
	TP_ARGS(partition, index, addr, done),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u64, index)
		__field(unsigned long, addr)
		__field(bool, done)
	),
	TP_fast_assign(
		__entry->partition = partition;
		__entry->index = index;
		__entry->addr = addr;
		__entry->done = done;
	),
	TP_printk("partition=%u index=%llu addr=%lx %s", __entry->partition,
		  __entry->index, __entry->addr,
		  __entry->done ? "done" : "left")
);

TRACE_EVENT(tarn_search,
	TP_PROTO(u32 partition, u64 index, u32 looked, u32 found),
	TP_ARGS(partition, index, looked, found),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u64, index)
		__field(u32, looked)
		__field(u32, found)
	),
	TP_fast_assign(
		__entry->partition = partition;
		__entry->index = index;
		__entry->looked = looked;
		__entry->found = found;
	),
	TP_printk("partition=%u index=%llu looked=%u found=%u",
		  __entry->partition, __entry->index, __entry->looked,
		  __entry->found)
);

TRACE_EVENT(tarn_area,
	TP_PROTO(u32 partition, u32 handle, u16 type, u16 origin, bool added),
	TP_ARGS(partition, handle, type, origin, added),
	TP_STRUCT__entry(
		__field(u32, partition)
		__field(u32, handle)
		__field(u16, type)
		__field(u16, origin)
		__field(bool, added)
	),
	TP_fast_assign(
		__entry->partition = partition;
		__entry->handle = handle;
		__entry->type = type;
		__entry->origin = origin;
		__entry->added = added;
	),
	TP_printk("partition=%u handle=%u type=%u origin=%u %s",
		  __entry->partition, __entry->handle, __entry->type,
		  __entry->origin, __entry->added ? "added" : "removed")
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
