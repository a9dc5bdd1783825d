package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/tabwriter"
	"text/template"
	"unicode"
)

// printer writes rows by a --format: "" and "table" are the verb's own table,
// "table TEMPLATE" a table with the template's columns, "json" one object a
// line, anything else a template per row.
//
// R is a struct whose exported fields are the placeholders. The heading of a
// table comes from executing the template on a row that holds the headings.
type printer[R any] struct {
	format string
	table  string // columns of the verb's own table
	quiet  string // template with -q and no format of the user's
	header R
}

// formatHelp is docker's text for --format.
const formatHelp = "Format output using a custom template:\n" +
	"'table':            Print output in table format with column headers (default)\n" +
	"'table TEMPLATE':   Print output in table format using the given Go template\n" +
	"'json':             Print in JSON format\n" +
	"'TEMPLATE':         Print output using the given Go template"

// uses tells whether the format mentions a placeholder.
func (p printer[R]) uses(name string) bool { return strings.Contains(p.format, "."+name) }

func (p printer[R]) write(w io.Writer, rows []R) error {
	columns, isTable := strings.CutPrefix(p.format, "table")
	columns = strings.TrimSpace(columns)
	switch {
	case p.quiet != "" && (p.format == "" || isTable && columns == ""):
		return p.lines(w, p.quiet, rows)
	case p.format == "" || isTable && columns == "":
		return p.tabulate(w, p.table, rows)
	case isTable:
		return p.tabulate(w, columns, rows)
	case p.format == "json":
		return p.lines(w, "{{json .}}", rows)
	}
	return p.lines(w, p.format, rows)
}

func (p printer[R]) lines(w io.Writer, format string, rows []R) error {
	tmpl, err := parseTemplate(format, templateFuncs())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, row := range rows {
		if err := executeLine(&b, tmpl, row); err != nil {
			return err
		}
	}
	_, err = b.WriteTo(w)
	return err
}

func (p printer[R]) tabulate(w io.Writer, columns string, rows []R) error {
	heading, err := parseTemplate(columns, headingFuncs())
	if err != nil {
		return err
	}
	tmpl, err := parseTemplate(columns, templateFuncs())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 10, 1, 3, ' ', 0)
	if err := executeLine(tw, heading, p.header); err != nil {
		return err
	}
	for _, row := range rows {
		var line strings.Builder
		if err := executeLine(&line, tmpl, row); err != nil {
			return err
		}
		if _, err := io.WriteString(tw, printable(line.String(), "\t\n")); err != nil {
			return err
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}

func executeLine(w io.Writer, tmpl *template.Template, row any) error {
	if err := tmpl.Execute(w, row); err != nil {
		return fmt.Errorf("execute --format template: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// parseTemplate also takes \t and \n as they survive single quotes in a shell.
func parseTemplate(format string, funcs template.FuncMap) (*template.Template, error) {
	format = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(format)
	tmpl, err := template.New("").Funcs(funcs).Parse(format)
	if err != nil {
		return nil, fmt.Errorf("parse --format template: %w", err)
	}
	return tmpl, nil
}

// templateFuncs are docker's.
func templateFuncs() template.FuncMap {
	return template.FuncMap{
		"json":     toJSON,
		"split":    strings.Split,
		"join":     joinAny,
		"title":    title,
		"lower":    strings.ToLower,
		"upper":    strings.ToUpper,
		"pad":      pad,
		"truncate": truncate,
	}
}

// headingFuncs leave headings as they are, but for the padding.
func headingFuncs() template.FuncMap {
	same := func(s string) string { return s }
	same2 := func(s, _ string) string { return s }
	return template.FuncMap{
		"json": same, "split": same2, "join": same2, "title": same, "lower": same, "upper": same,
		"pad": pad, "truncate": func(s string, _ int) string { return s },
	}
}

func toJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func joinAny(list any, sep string) (string, error) {
	v := reflect.ValueOf(list)
	if !v.IsValid() {
		return "", nil
	}
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return "", fmt.Errorf("join: want a list, got %s", v.Type())
	}
	parts := make([]string, v.Len())
	for i := range parts {
		parts[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return strings.Join(parts, sep), nil
}

// title makes the first letter of each word upper case.
func title(s string) string {
	before := ' '
	return strings.Map(func(r rune) rune {
		first := !unicode.IsLetter(before) && !unicode.IsDigit(before) && before != '_' && before != '\''
		if before = r; first {
			return unicode.ToTitle(r)
		}
		return r
	}, s)
}

func pad(s string, before, after int) string {
	if s == "" {
		return s
	}
	return strings.Repeat(" ", before) + s + strings.Repeat(" ", after)
}

func truncate(s string, n int) string {
	if len(s) < n {
		return s
	}
	return s[:n]
}
