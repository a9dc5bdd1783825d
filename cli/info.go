package cli

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

const objectFormatHelp = "Format output using a custom template:\n" +
	"'json':             Print in JSON format\n" +
	"'TEMPLATE':         Print output using the given Go template"

func (a *app) infoCmd() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "info [OPTIONS]", Short: "Display what the engine is, what this host offers and what it lacks",
		Example: "  gantry info\n  gantry info -f '{{.cgroup}} {{.storage}}'",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			eng, err := a.engine(cmd.Context())
			if err != nil {
				return err
			}
			info, err := eng.Info(cmd.Context())
			if err != nil {
				return err
			}
			if format != "" {
				return a.printObject(newDockerInfo(info, time.Now()), format)
			}
			printInfo(a.std.Out, info)
			for _, w := range info.Warnings {
				fmt.Fprintln(a.std.Err, "WARNING:", w)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", objectFormatHelp)
	return cmd
}

// printObject prints one object by a template, or as JSON.
func (a *app) printObject(v any, format string) error {
	if format == "json" {
		s, err := toJSON(v)
		if err == nil {
			a.println(s)
		}
		return err
	}
	tmpl, err := parseTemplate(format, templateFuncs())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := executeObject(&b, tmpl, v); err != nil {
		return err
	}
	_, err = b.WriteTo(a.std.Out)
	return err
}

func printInfo(w io.Writer, i engine.Info) {
	line := func(indent int, key string, value any) {
		fmt.Fprintf(w, "%s%s: %v\n", strings.Repeat(" ", indent), key, value)
	}
	line(0, "Engine", i.Name)
	line(1, "Version", i.Version)
	line(1, "State Directory", i.Root)
	line(1, "Runtime Directory", i.Runtime)
	line(0, "Containers", i.Containers.Total)
	line(1, "Running", i.Containers.Running)
	line(1, "Paused", i.Containers.Paused)
	line(1, "Stopped", i.Containers.Stopped)
	line(0, "Images", i.Images)
	line(0, "Storage Driver", i.Storage)
	line(0, "Default Network", i.DefaultNet)
	line(0, "Cgroups", i.Cgroup)
	line(1, "Parent", i.CgroupParent)
	line(1, "Controllers", strings.Join(i.Controllers, " "))
	line(0, "Kernel Version", i.Kernel)
	line(0, "Operating System", i.OS)
	line(0, "Architecture", i.Architecture)
	line(0, "CPUs", i.CPUs)
	line(0, "Total Memory", units.BytesSize(float64(i.Memory)))
	if len(i.Unsupported) > 0 {
		line(0, "Not Supported", strings.Join(i.Unsupported, ", "))
	}
	if len(i.Features) > 0 {
		fmt.Fprintln(w, "Host Features:")
	}
	for _, f := range i.Features {
		printFeature(w, f)
	}
}

func printFeature(w io.Writer, f engine.Feature) {
	text := "yes"
	if !f.OK {
		text = "no"
	}
	if f.Note != "" {
		text += ", " + f.Note
	}
	fmt.Fprintf(w, " %s: %s\n", f.Name, text)
	if f.Hint != "" && !f.OK {
		fmt.Fprintf(w, "  Hint: %s\n", f.Hint)
	}
}

// versionInfo is what version prints.
type versionInfo struct {
	Version   string
	GoVersion string
	Os        string
	Arch      string
	Client    versionSide
	Server    versionSide
}

func (a *app) versionCmd() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "version [OPTIONS]", Short: "Show the version",
		Example: "  gantry version\n  gantry version -f '{{.Version}}'",
		Args:    args(0, 0), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{Version: a.prog.Version, GoVersion: runtime.Version(), Os: runtime.GOOS, Arch: runtime.GOARCH}
			v.Client = versionSide{Version: v.Version, GoVersion: v.GoVersion, Os: v.Os, Arch: v.Arch}
			v.Server = v.Client
			v.Server.KernelVersion = kernelVersion()
			if format != "" {
				return a.printObject(v, format)
			}
			fmt.Fprintf(a.std.Out, "gantry:\n Version:      %s\n Go version:   %s\n OS/Arch:      %s/%s\n", v.Version, v.GoVersion, v.Os, v.Arch)
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", objectFormatHelp)
	return cmd
}
