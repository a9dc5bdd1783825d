package ui

import (
	"context"
	"fmt"
	"strings"

	"gantry/engine/fake"
	"gantry/ui/keys"
)

// KeysPage is docs/keys.md, from the registry.
func KeysPage() string {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := New(ctx, fake.New(), Options{})
	var b strings.Builder
	b.WriteString(`# Keys

Made from the registry of actions; a test fails when this page is stale. In the workbench ` + "`?`" + ` shows the keys as they are
set, ` + "`x`" + ` what can be done here, and ` + "`:`" + ` takes the words of the palette with arguments. Names of actions are what
[config.md](config.md) sets keys by. **asks**: it asks before it does anything.
`)
	for _, part := range scopeTitles() {
		if list := m.keys.In(part.scope); len(list) > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n| key | action | what it does | in the palette | name |\n| --- | --- | --- | --- | --- |\n", part.title)
			for _, a := range list {
				b.WriteString(keyRow(a))
			}
		}
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
