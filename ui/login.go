package ui

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
)

// askLogin asks for credentials and the registry that they are for.
func (m *Model) askLogin() tea.Cmd { return m.askLoginTo("", nil) }

func (m *Model) askLoginTo(registry string, then func() tea.Cmd) tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Log in to a registry", Yes: "log in",
		Fields: []dialogs.Field{
			{Key: "registry", Label: "registry", Value: registry, Hint: images.DefaultRegistry, Complete: prefixed(m.registries)},
			{Key: "user", Label: "user", Check: needed("the user's name")},
			{Key: "password", Label: "password", Kind: dialogs.Secret, Hint: "or an access token", Check: needed("the password")},
		},
		Note: func(dialogs.Values) string {
			return "It is kept in " + dockerConfig() + ", or with the credential helper that this file names; docker and podman read it too."
		},
		Preview: func(v dialogs.Values) string { return loginCommand(v.Text("user"), v.Text("registry")) },
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			return m.login(engine.Credentials{Registry: v.Text("registry"), Username: v.Text("user"), Password: v.Text("password")}, then)
		}),
	})
}

// dockerConfig is where credentials are kept, as docker looks it up.
func dockerConfig() string {
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir + "/config.json"
	}
	return "~/.docker/config.json"
}

func loginCommand(user, registry string) string {
	cmd := "gantry login"
	if user != "" {
		cmd += " -u " + quote(user)
	}
	return strings.TrimSpace(cmd + " " + registry)
}

func (m *Model) login(cred engine.Credentials, then func() tea.Cmd) tea.Cmd {
	return m.do(operation{name: "Log in to", then: then, past: "logged in to", command: loginCommand(cred.Username, cred.Registry), objects: []string{registryName(cred.Registry)},
		one: func(ctx context.Context, _ int) (string, error) {
			_, err := m.eng.Images().Login(ctx, cred)
			return "", err
		}})
}

func registryName(s string) string {
	if s == "" {
		return images.DefaultRegistry
	}
	return s
}

// registries are those that images of the store come from.
func (m *Model) registries() []string {
	var out []string
	for _, img := range m.state.Images {
		for _, t := range img.Tags {
			if ref, err := images.ParseRef(t); err == nil && !slices.Contains(out, ref.Registry) {
				out = append(out, ref.Registry)
			}
		}
	}
	return out
}

func (m *Model) askLogout() tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Log out of a registry", Yes: "log out",
		Fields:  []dialogs.Field{{Key: "registry", Label: "registry", Hint: images.DefaultRegistry, Complete: prefixed(m.registries)}},
		Note:    func(dialogs.Values) string { return "Its name and password are taken out of " + dockerConfig() + "." },
		Preview: func(v dialogs.Values) string { return strings.TrimSpace("gantry logout " + v.Text("registry")) },
		Tag:     formTag(func(v dialogs.Values) tea.Cmd { return m.logout(v.Text("registry")) }),
	})
}

func (m *Model) logout(registry string) tea.Cmd {
	return m.do(operation{name: "Log out of", past: "logged out of", command: strings.TrimSpace("gantry logout " + registry), objects: []string{registryName(registry)},
		one: func(ctx context.Context, _ int) (string, error) { return "", m.eng.Images().Logout(ctx, registry) }})
}

func registryWords(m *Model, args []string) []string {
	if len(args) > 1 {
		return nil
	}
	return m.registries()
}

func loginWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("want login REGISTRY")
	}
	return m.askLoginTo(strings.Join(args, ""), nil), nil
}

func logoutWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("want logout REGISTRY")
	}
	return m.logout(strings.Join(args, "")), nil
}
