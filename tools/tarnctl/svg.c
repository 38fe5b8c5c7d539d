// SPDX-License-Identifier: GPL-2.0-only
/* See svg.h. */
#include "svg.h"

void svg_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		default:
			putc(*text, f);
		}
	}
}

void svg_begin(FILE *f, int width, int height, const char *title)
{
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#1c2733\">\n",
		width, height, width, height);
	fputs("<title>", f);
	svg_text(f, title);
	fputs("</title>\n", f);
}

void svg_stripes(FILE *f, const char *id, const char *colour, bool on_white)
{
	fprintf(f, "<pattern id=\"%s\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">%s<rect width=\"1.6\" height=\"4\" fill=\"%s\"/></pattern>\n",
		id,
		on_white ? "<rect width=\"4\" height=\"4\" fill=\"#fff\"/>" : "",
		colour);
}
