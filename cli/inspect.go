package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"gantry/engine"
)

type inspectFlags struct {
	format, kind string
	size         bool
}

func (a *app) inspectCmd() *cobra.Command {
	cmd, flags := a.newInspectCmd("inspect [OPTIONS] NAME|ID [NAME|ID...]", "Return low-level information on containers, images, networks and volumes")
	cmd.Flags().BoolVarP(&flags.size, "size", "s", false, "Display total file sizes if the type is container")
	cmd.Flags().StringVar(&flags.kind, "type", "", "Only inspect objects of the given type: container, image, network or volume")
	cmd.ValidArgsFunction = a.completeObjects
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"container", "image", "network", "volume"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// inspectKindCmd is the inspect of one kind of objects.
func (a *app) inspectKindCmd(kind string) *cobra.Command {
	what := strings.ToUpper(kind)
	cmd, flags := a.newInspectCmd("inspect [OPTIONS] "+what+" ["+what+"...]", "Display detailed information on one or more "+kind+"s")
	flags.kind = kind
	cmd.ValidArgsFunction = a.completeImages(-1)
	switch kind {
	case "volume":
		cmd.Example = "  gantry volume inspect data\n  gantry volume inspect -f '{{.Mountpoint}}' data"
		cmd.ValidArgsFunction = a.completeVolumes(-1)
	case "network":
		cmd.Example = "  gantry network inspect shop\n  gantry network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{end}}' shop"
		cmd.ValidArgsFunction = a.completeNetworks(-1, false)
		cmd.Flags().BoolP("verbose", "v", false, "Verbose output for diagnostics (there is no more to tell)")
	case "container":
		cmd.Flags().BoolVarP(&flags.size, "size", "s", false, "Display total file sizes")
		cmd.ValidArgsFunction = a.completeContainers(-1, anyState)
	}
	return cmd
}

func (a *app) newInspectCmd(use, short string) (*cobra.Command, *inspectFlags) {
	flags := &inspectFlags{}
	cmd := &cobra.Command{
		Use: use, Short: short, Args: args(1, -1),
		Example: "  gantry inspect web\n  gantry inspect -f '{{.State.Pid}}' web\n  gantry inspect -f '{{json .Config.Env}}' alpine",
		RunE:    func(cmd *cobra.Command, names []string) error { return a.inspect(cmd, *flags, names) },
	}
	cmd.Flags().StringVarP(&flags.format, "format", "f", "",
		"Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template")
	return cmd, flags
}

// inspect prints what it found even when something was not found.
func (a *app) inspect(cmd *cobra.Command, flags inspectFlags, names []string) error {
	if flags.kind != "" && flags.kind != "container" && flags.kind != "image" && flags.kind != "volume" && flags.kind != "network" {
		return &usageError{cmd: cmd, err: fmt.Errorf("--type %q: want container, image, network or volume", flags.kind)}
	}
	var tmpl *template.Template
	if flags.format != "" && flags.format != "json" {
		var err error
		if tmpl, err = parseTemplate(flags.format, templateFuncs()); err != nil {
			return &usageError{cmd: cmd, err: err}
		}
	}
	found := []any{}
	var failures []error
	for _, name := range names {
		v, err := a.lookUp(cmd.Context(), flags, name)
		if errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		found = append(found, v)
	}
	if err := a.printInspect(found, flags.format, tmpl); err != nil {
		return err
	}
	for _, err := range failures {
		a.complain(err)
	}
	if len(failures) > 0 {
		return &exitError{code: exitFailure}
	}
	return nil
}

// lookUp finds a container, else an image, a network or a volume.
func (a *app) lookUp(ctx context.Context, flags inspectFlags, name string) (any, error) {
	eng, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	kinds := []struct {
		name string
		look func() (any, error)
	}{
		{"container", func() (any, error) {
			c, err := eng.Containers().Inspect(ctx, name)
			if !flags.size {
				c.SizeRw, c.SizeRootFs = nil, nil
			}
			return c, err
		}},
		{"image", func() (any, error) { return eng.Images().Inspect(ctx, name) }},
		{"network", func() (any, error) { return eng.Networks().Inspect(ctx, name) }},
		{"volume", func() (any, error) {
			v, err := eng.Volumes().Inspect(ctx, name)
			return v.Volume, err
		}},
	}
	for _, k := range kinds {
		if flags.kind != "" && flags.kind != k.name {
			continue
		}
		v, err := k.look()
		if err == nil || flags.kind != "" || !errors.Is(err, engine.ErrNotFound) {
			return v, err
		}
	}
	return nil, fmt.Errorf("inspect %s: no such container, image, network or volume: %w", name, engine.ErrNotFound)
}

func (a *app) printInspect(found []any, format string, tmpl *template.Template) error {
	var b bytes.Buffer
	switch {
	case tmpl != nil:
		for _, v := range found {
			if err := executeObject(&b, tmpl, v); err != nil {
				return err
			}
		}
	case format == "json":
		s, err := toJSON(found)
		if err != nil {
			return err
		}
		b.WriteString(s + "\n")
	default:
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "    ")
		if err := enc.Encode(found); err != nil {
			return err
		}
	}
	_, err := b.WriteTo(a.std.Out)
	return err
}

// executeObject runs a template on an object. Fields have their JSON names
// ({{.Id}}, times as text), as in docker; where those do not fit, the names of
// the Go fields ({{.ID}}) are tried.
func executeObject(b *bytes.Buffer, tmpl *template.Template, v any) error {
	plain, err := asPlain(v)
	if err != nil {
		return err
	}
	mark := b.Len()
	first := executeLine(b, tmpl.Option("missingkey=error"), plain)
	if first == nil {
		return nil
	}
	b.Truncate(mark)
	if executeLine(b, tmpl.Option("missingkey=default"), v) != nil {
		b.Truncate(mark)
		return first
	}
	return nil
}

// asPlain is v as JSON decodes it, with whole numbers as int64, so that they
// print and compare as such.
func asPlain(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out any
	if err := dec.Decode(&out); err != nil {
		return nil, err
	}
	return plainNumbers(out), nil
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = plainNumbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = plainNumbers(e)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		f, _ := v.Float64()
		return f
	}
	return v
}
