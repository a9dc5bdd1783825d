package cli

import (
	"github.com/spf13/cobra"

	"gantry/engine"
)

// policyValue is --restart.
type policyValue struct{ policy engine.RestartPolicy }

func (p *policyValue) String() string {
	if p.policy.Name == "" {
		return ""
	}
	return p.policy.String()
}

func (p *policyValue) Type() string { return "string" }

func (p *policyValue) Set(s string) (err error) {
	p.policy, err = engine.ParseRestartPolicy(s)
	return err
}

func completePolicies(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return engine.RestartPolicies, cobra.ShellCompDirectiveNoFileComp
}
