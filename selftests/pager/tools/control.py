#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Say one thing to a pager's control socket.

control.py SOCKET REQUEST [EXPRESSION [FILE]]

REQUEST is JSON. The answer is printed, or the value of EXPRESSION, in which
"a" is the answer. FILE is opened and its descriptor passed. The status is 0
if the answer is ok and the expression true.
"""
import json
import os
import socket
import sys


def main():
    path, request = sys.argv[1:3]
    expression = sys.argv[3] if len(sys.argv) > 3 else None
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    line = request.encode() + b"\n"
    if len(sys.argv) > 4:
        fd = os.open(sys.argv[4], os.O_RDWR | os.O_DIRECT)
        socket.send_fds(client, [line], [fd])
        os.close(fd)
    else:
        client.sendall(line)
    answer = json.loads(client.makefile().readline())
    if expression is None:
        print(json.dumps(answer))
        return 0 if answer["ok"] else 1
    value = eval(expression, {"a": answer})
    print(value)
    return 0 if value else 1


sys.exit(main())
