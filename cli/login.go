package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

type loginFlags struct {
	user, password string
	stdin          bool
}

func (a *app) loginCmd() *cobra.Command {
	var flags loginFlags
	cmd := &cobra.Command{
		Use: "login [OPTIONS] [SERVER]", Short: "Authenticate to a registry",
		Long:    "Authenticate to a registry. Defaults to Docker Hub if no server is specified.",
		Example: "  gantry login registry.example\n  gantry login -u bob --password-stdin registry.example < token",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cred, err := a.credentials(cmd.Context(), flags, args)
			switch {
			case cmd.Context().Err() != nil:
				return err
			case err != nil:
				return &usageError{cmd: cmd, err: err}
			}
			store, err := a.images(cmd.Context())
			if err != nil {
				return err
			}
			answer, err := store.Login(cmd.Context(), cred)
			if err != nil {
				return err
			}
			if answer == "" {
				answer = "Login Succeeded"
			}
			a.println(answer)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.user, "username", "u", "", "Username")
	f.StringVarP(&flags.password, "password", "p", "", "Password or Personal Access Token (PAT)")
	f.BoolVar(&flags.stdin, "password-stdin", false, "Take the Password or Personal Access Token (PAT) from stdin")
	return cmd
}

// credentials come from flags, from standard input, or from questions on a
// terminal.
func (a *app) credentials(ctx context.Context, flags loginFlags, args []string) (engine.Credentials, error) {
	cred := engine.Credentials{Username: flags.user, Password: flags.password}
	if len(args) > 0 {
		cred.Registry = args[0]
	}
	switch {
	case flags.stdin && flags.password != "":
		return cred, errors.New("--password and --password-stdin exclude each other")
	case flags.stdin && flags.user == "":
		return cred, errors.New("--password-stdin needs --username")
	case flags.stdin:
		b, err := io.ReadAll(io.LimitReader(a.std.In, 1<<20))
		if err != nil {
			return cred, fmt.Errorf("read password: %w", err)
		}
		cred.Password = strings.TrimRight(string(b), "\r\n")
	case flags.password != "":
		fmt.Fprintln(a.std.Err, "WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
	}
	if cred.Username != "" && cred.Password != "" {
		return cred, nil
	}
	if !isTerminal(a.std.In) {
		return cred, errors.New("no terminal to ask for the username and the password; give --username and --password-stdin")
	}
	return a.askCredentials(ctx, cred)
}

func (a *app) askCredentials(ctx context.Context, cred engine.Credentials) (engine.Credentials, error) {
	var err error
	if cred.Username == "" {
		if cred.Username, err = a.ask(ctx, "Username: "); err != nil {
			return cred, fmt.Errorf("read username: %w", err)
		}
	}
	if cred.Password == "" {
		if cred.Password, err = a.askSecret(ctx, "Password: "); err != nil {
			return cred, fmt.Errorf("read password: %w", err)
		}
	}
	if cred.Username == "" || cred.Password == "" {
		return cred, errors.New("the username and the password must not be empty")
	}
	return cred, nil
}

func (a *app) logoutCmd() *cobra.Command {
	return &cobra.Command{
		Use: "logout [SERVER]", Short: "Log out from a registry",
		Long:    "Log out from a registry. Defaults to Docker Hub if no server is specified.",
		Example: "  gantry logout registry.example",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server := ""
			if len(args) > 0 {
				server = args[0]
			}
			store, err := a.images(cmd.Context())
			if err != nil {
				return err
			}
			err = store.Logout(cmd.Context(), server)
			if server == "" {
				server = "docker.io"
			}
			switch {
			case errors.Is(err, engine.ErrNotFound): // as if it had been done
				a.println("Not logged in to", server)
				return nil
			case err != nil:
				return err
			}
			a.println("Removed login credentials for", server)
			return nil
		},
	}
}
