package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// completer is a cobra completion function.
type completer = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// anyState stands for every state in completeContainers.
const anyState engine.State = ""

func (a *app) completionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "Print a completion script for a shell",
		Example: "  gantry completion bash > /etc/bash_completion.d/gantry\n" +
			"  gantry completion zsh > \"${fpath[1]}/_gantry\"\n" +
			"  gantry completion fish > ~/.config/fish/completions/gantry.fish",
		Args: args(1, 1), ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.std.Out, true)
			case "zsh":
				return root.GenZshCompletion(a.std.Out)
			case "fish":
				return root.GenFishCompletion(a.std.Out, true)
			}
			return &usageError{cmd: cmd, err: withHint(fmt.Errorf("unknown shell %q", args[0]), "want bash, zsh or fish")}
		},
	}
}

// wantsMore tells whether a further argument has something to complete; max -1
// for any number.
func wantsMore(args []string, max int) bool { return max < 0 || len(args) < max }

// completeContainers offers the names of containers in some states, without
// those that are already on the line. Errors complete nothing: a shell has no
// place for them.
func (a *app) completeContainers(max int, states ...engine.State) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if !wantsMore(args, max) {
			return nil, cobra.ShellCompDirectiveDefault
		}
		containers, err := a.containers(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := containers.List(cmd.Context(), engine.ListOptions{All: true})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, c := range list.Items {
			wanted := slices.Contains(states, anyState) || slices.Contains(states, c.Status.Status)
			if wanted && !slices.Contains(args, c.Name) {
				names = append(names, cobra.CompletionWithDesc(c.Name, statusText(c.Status)))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeImages offers the tags of the store. After the last of max arguments
// the shell's own completion takes over.
func (a *app) completeImages(max int) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if !wantsMore(args, max) {
			return nil, cobra.ShellCompDirectiveDefault
		}
		store, err := a.images(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := store.List(cmd.Context(), engine.ImageListOptions{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, img := range list.Items {
			for _, tag := range img.Tags {
				if !slices.Contains(args, tag) {
					names = append(names, cobra.CompletionWithDesc(tag, size3(float64(img.Size))))
				}
				// "alpine" is enough for alpine:latest.
				if name, ok := strings.CutSuffix(tag, ":latest"); ok && !slices.Contains(args, name) {
					names = append(names, name)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeObjects offers containers, images and volumes.
func (a *app) completeObjects(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	kind, _ := cmd.Flags().GetString("type")
	var names []string
	switch kind {
	case "volume":
		return a.volumeNames(cmd.Context(), args), cobra.ShellCompDirectiveNoFileComp
	case "network":
		return a.networkNames(cmd.Context(), args, false), cobra.ShellCompDirectiveNoFileComp
	}
	if kind != "image" {
		names, _ = a.completeContainers(-1, anyState)(cmd, args, toComplete)
	}
	if kind != "container" {
		more, _ := a.completeImages(-1)(cmd, args, toComplete)
		names = append(names, more...)
	}
	if kind == "" {
		names = append(names, a.volumeNames(cmd.Context(), args)...)
		names = append(names, a.networkNames(cmd.Context(), args, false)...)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeJobs(max int, states ...engine.JobState) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if !wantsMore(args, max) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		jobs, err := a.jobs(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := jobs.List(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []string
		for _, j := range list {
			if len(states) == 0 || slices.Contains(states, j.State) {
				ids = append(ids, cobra.CompletionWithDesc(j.ID.Short(), j.Spec.Kind+" "+jobTarget(j.Spec)))
			}
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}

func completeSignals(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"HUP", "INT", "QUIT", "KILL", "TERM", "USR1", "USR2", "STOP", "CONT", "WINCH"}, cobra.ShellCompDirectiveNoFileComp
}

// completeCreateFlags completes the values of run's and create's flags.
func (a *app) completeCreateFlags(cmd *cobra.Command) {
	fixed := func(values ...string) completer {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	for name, complete := range map[string]completer{
		"attach":       fixed("stdin", "stdout", "stderr"),
		"network":      a.completeNetworkFlag,
		"volume":       a.completeVolumeFlag,
		"pull":         fixed("always", "missing", "never"),
		"platform":     fixed("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/riscv64"),
		"security-opt": cobra.FixedCompletions([]string{"no-new-privileges", "seccomp="}, cobra.ShellCompDirectiveNoSpace),
		"log-opt":      cobra.FixedCompletions([]string{"max-size=", "max-file="}, cobra.ShellCompDirectiveNoSpace),
		"restart":      completePolicies,
		"stop-signal":  completeSignals,
		"cap-add":      completeCapabilities,
		"cap-drop":     completeCapabilities,
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, complete)
	}
}

// completeCapabilities offers the names of capabilities(7).
func completeCapabilities(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return strings.Fields(`ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN
		DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN
		MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP
		SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO
		SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM`), cobra.ShellCompDirectiveNoFileComp
}
