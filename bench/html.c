/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

/*
 * Series of lines have the colours of Okabe and Ito, which those who see fewer colours
 * can tell apart, and dashes and marks of their own besides.
 */
static const char style[] =
	":root{color-scheme:light dark;--back:#fff;--text:#1b1b1b;--faint:#5c5c5c;--line:#d5d5d5;"
	"--box:#f5f5f2;--warn:#8a3b00;--bar:#0072b2;--ours:#d55e00;--s0:#0072b2;--s1:#c04f00;"
	"--s2:#00795a;--s3:#a8477f;--s4:#6b5f00}\n"
	"@media(prefers-color-scheme:dark){:root{--back:#16181b;--text:#e8e6e1;--faint:#a3a29d;"
	"--line:#3a3d42;--box:#1f2226;--warn:#ffb070;--bar:#56b4e9;--ours:#e69f00;--s0:#56b4e9;"
	"--s1:#e69f00;--s2:#2fc79b;--s3:#e09ac4;--s4:#f0e442}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--back);color:var(--text);"
	"font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
	"h1{font-size:1.5rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2rem}"
	"h3{font-size:1rem;margin:1.5rem 0 .25rem}\n"
	"p.note,figcaption,caption{color:var(--faint);font-size:.875rem;text-align:left}\n"
	"figure{margin:0 0 1rem}li{margin:.25rem 0}\n"
	".scroll{overflow-x:auto;max-width:100%}\n"
	"table{border-collapse:separate;border-spacing:2px;font-variant-numeric:tabular-nums;"
	"overflow-wrap:normal}\n"
	"th{font-weight:600;font-size:.875rem;text-align:left;vertical-align:bottom;padding:.25rem "
	".5rem}\n"
	"tbody th{vertical-align:middle;min-width:7.5rem;max-width:14rem}"
	"th:first-child{position:sticky;left:0;background:var(--back)}th "
	"small{font-weight:400;color:var(--faint)}"
	"small{display:block;font-size:.75rem;line-height:1.3}\n"
	"td{padding:.25rem .5rem;text-align:right;white-space:nowrap}\n"
	"table.heat td{min-width:5rem;text-align:center;border-radius:3px;background:var(--box)}\n"
	"table.heat td b{font-size:1.125rem}td.none{color:var(--faint)}"
	"td.refused{color:var(--warn);border:1px dashed}\n"
	"table.rows{border-spacing:0}table.rows td,table.rows th{border-bottom:1px solid "
	"var(--line)}\n"
	".scale{display:flex;gap:.5rem;align-items:center;font-size:.875rem;max-width:24rem}"
	".scale i{flex:1;height:.75rem;border-radius:3px}\n"
	"svg{display:block}svg.chart{width:100%;max-width:44rem;height:auto}"
	"svg text{fill:var(--faint);font:11px system-ui,sans-serif}\n"
	".grid{stroke:var(--line);stroke-width:1}\n"
	".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));"
	"gap:1rem 2rem}\n"
	".key{display:flex;flex-wrap:wrap;gap:.25rem "
	"1rem;padding:0;list-style:none;font-size:.875rem}"
	".key li{display:flex;gap:.4rem;align-items:center}\n"
	".warn{border-left:4px solid var(--warn);background:var(--box);padding:.25rem .75rem}"
	".warn h2{margin-top:.5rem;color:var(--warn)}\n"
	"section{margin:1rem 0}.maps{display:flex;flex-wrap:wrap;gap:0 "
	"2rem}.maps>div{max-width:100%}\n"
	".advice{border-left:4px solid var(--s2);background:var(--box);padding:.25rem .75rem}"
	".advice h2{margin-top:.5rem}ul{padding-left:1.25rem}\n"
	"pre{white-space:pre-wrap;background:var(--box);padding:.75rem;font-size:.8125rem}\n"
	"summary{cursor:pointer}\n";

void html_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		case '\'':
			fputs("&#39;", file);
			break;
		default:
			fputc(*text, file);
		}
	}
}

void html_begin(FILE *file, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      file);
	html_text(file, title);
	/* Without an icon of its own a browser asks the network for one. */
	fprintf(file,
		"</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n%s</style>\n</head>\n"
		"<body>\n<h1>",
		style);
	html_text(file, title);
	fputs("</h1>\n", file);
}

static void write_machine(FILE *file, const struct environment *e)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return;
	environment_print(e, memory);
	if (fclose(memory) == 0) {
		fputs("<h2>The machine</h2>\n<pre>", file);
		html_text(file, text);
		fputs("</pre>\n", file);
	}
	free(text);
}

int html_end(FILE *file, const struct environment *e)
{
	write_machine(file, e);
	fputs("</body>\n</html>\n", file);
	return ferror(file) ? -EIO : 0;
}

void html_items(FILE *file, const char *lines, size_t size, uint32_t count)
{
	fputs("<ul>\n", file);
	for (uint32_t i = 0; i < count; i++) {
		fputs("<li>", file);
		html_text(file, lines + i * size);
		fputs("</li>\n", file);
	}
	fputs("</ul>\n", file);
}

void html_list(FILE *file, const char *title, const char *lines, size_t size, uint32_t count)
{
	if (!count)
		return;
	fprintf(file, "<h2>%s</h2>\n", title);
	html_items(file, lines, size, count);
}

void html_warnings(FILE *file, const struct environment *e)
{
	if (!e->warning_count)
		return;
	fputs("<section class=\"warn\">\n", file);
	html_list(file, "What spoils these figures", e->warnings[0], sizeof(e->warnings[0]),
		  e->warning_count);
	fputs("</section>\n", file);
}

void html_number(FILE *file, double number)
{
	int digits = fabs(number) >= 99.95 ? 0 : fabs(number) >= 9.995 ? 1 : 2;

	if (fabs(number) >= 9999.5)
		fprintf(file, "%.0f&#8239;%03.0f", floor(round(number) / 1000),
			fmod(round(number), 1000));
	else
		fprintf(file, "%.*f", digits, number);
}
