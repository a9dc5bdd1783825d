package ui

import (
	"context"
	"fmt"
	"strings"

	"gantry/engine/fake"
	"gantry/ui/keys"
	"gantry/ui/tabs"
)

// KeysPage is docs/keys.md, from the registry and from the tabs.
func KeysPage() string {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := New(ctx, fake.New(), Options{})
	var b strings.Builder
	b.WriteString(`# Keys

Made from the registry of actions and from the tabs; a test fails when this page is stale. In the workbench ` + "`?`" + ` shows the keys as they are
set, ` + "`x`" + ` what can be done here, and ` + "`:`" + ` takes the words of the palette with arguments. Names of actions are what
[config.md](config.md) sets keys by. **asks**: it asks before it does anything.
`)
	for _, part := range []struct {
		scope keys.Scope
		title string
	}{
		{keys.Global, "Everywhere"}, {keys.Lists, "In every list"}, {keys.Containers, "Containers"}, {keys.Images, "Images"},
		{keys.Jobs, "Jobs"}, {keys.Log, "Log"}, {keys.Detail, "Detail"}, {keys.Welcome, "When there is nothing yet"},
	} {
		if list := m.keys.In(part.scope); len(list) > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n| key | action | what it does | in the palette | name |\n| --- | --- | --- | --- | --- |\n", part.title)
			for _, a := range list {
				b.WriteString(keyRow(a))
			}
		}
	}
	b.WriteString("\n## In the tabs of the detail\n\n| tab | keys |\n| --- | --- |\n")
	for _, t := range m.detail.tabs {
		panelRow(&b, t)
	}
	for _, t := range m.detail.images {
		panelRow(&b, t)
	}
	return b.String()
}

func keyRow(a keys.Action) string {
	var kbd []string
	for _, k := range a.Keys {
		kbd = append(kbd, "<kbd>"+k+"</kbd>")
	}
	help, word := a.Help, ""
	if a.Asks {
		help += " (**asks**)"
	}
	if a.Word != "" {
		word = "`" + strings.TrimSpace(a.Word+" "+a.Args) + "`"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | `%s` |\n", strings.Join(kbd, " "), a.Title, help, word, a.ID)
}

func panelRow(b *strings.Builder, p tabs.Panel) {
	var list []string
	for _, k := range p.Keys() {
		var kbd []string
		for _, name := range strings.Fields(k.Keys) {
			kbd = append(kbd, "<kbd>"+name+"</kbd>")
		}
		list = append(list, strings.Join(kbd, " ")+" "+k.Text)
	}
	fmt.Fprintf(b, "| %s | %s |\n", p.Name(), strings.Join(list, ", "))
}
