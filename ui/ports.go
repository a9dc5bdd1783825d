package ui

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/internal/portspec"
	"gantry/themes"
	"gantry/ui/dialogs"
	"gantry/ui/glyph"
	"gantry/ui/lists"
	"gantry/ui/tabs"
)

// published is one port of a container that leads in from outside.
type published struct {
	text string // ":8080", "127.0.0.1:5432→5432", ":53/udp"
	url  string // "" where no browser gets in
}

// publishedPorts are those of a running container, by their number inside. An
// address of IPv4 and its twin of IPv6 are one.
func publishedPorts(ports engine.PortMap) []published {
	if len(ports) == 0 {
		return nil
	}
	var out []published
	for _, port := range tabs.SortedPorts(ports) {
		inside, proto, _ := strings.Cut(port, "/")
		for _, b := range ports[port] {
			if b.HostPort == "" {
				continue
			}
			text := ":" + b.HostPort
			switch b.HostIP {
			case "", "0.0.0.0", "::":
			default:
				text = b.HostIP + text
			}
			if b.HostPort != inside {
				text += glyph.Right + inside
			}
			if proto != "" && proto != "tcp" {
				text += "/" + proto
			}
			p := published{safeText(text), safeText(tabs.PortURL(port, b))}
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// portsText is all of them, as the filter and the widest column have them.
func portsText(c *engine.ContainerSummary) string {
	if len(c.Ports) == 0 {
		return ""
	}
	var words []string
	for _, p := range publishedPorts(c.Ports) {
		words = append(words, p.text)
	}
	return strings.Join(words, " ")
}

// portsCell is a link to the first port that a browser gets in by.
func (m *Model) portsCell(c *engine.ContainerSummary, _ int) lists.Cell {
	all := publishedPorts(c.Ports)
	if len(all) == 0 {
		return lists.Cell{Style: m.styles.Muted}
	}
	cell := lists.Cell{Text: portsText(c), Style: m.styles.Accent}
	if n := len(all) - 1; n > 0 {
		cell.Else = []string{fmt.Sprintf("%s +%d", all[0].text, n)}
	}
	short, _, _ := strings.Cut(all[0].text, glyph.Right)
	cell.Else = append(cell.Else, short, short[strings.LastIndexByte(short, ':'):])
	if i := slices.IndexFunc(all, func(p published) bool { return p.url != "" }); i >= 0 && m.links() {
		cell.Style = cell.Style.Hyperlink(all[i].url)
	}
	return cell
}

// links tells whether the terminal may be told of links (OSC 8): those with few
// colours are often too old to pass over what they do not know.
func (m *Model) links() bool {
	d := m.opts.Terminal.Depth
	return (d == themes.TrueColor || d == themes.Colors256) && !m.styles.ASCII()
}

// reachable is a container with a port that a browser gets in by.
func reachable(c engine.ContainerSummary) string {
	switch {
	case !c.Status.Running:
		return "it is not running"
	case len(urlsOf(c)) == 0:
		return "it publishes no port that a browser opens"
	}
	return ""
}

func urlsOf(c engine.ContainerSummary) []string {
	var out []string
	for _, p := range publishedPorts(c.Ports) {
		if p.url != "" {
			out = append(out, p.url)
		}
	}
	return out
}

// browse opens the container's port in a browser; of several it asks which.
func (m *Model) browse(c engine.ContainerSummary) tea.Cmd {
	urls := urlsOf(c)
	if len(urls) == 1 {
		return m.openURL(urls[0])
	}
	items := make([]dialogs.Item, len(urls))
	for i, u := range urls {
		items[i] = dialogs.Item{Text: u}
	}
	m.open(dialogs.Pick{Name: "Open in a browser", About: c.Name, Items: items, Yes: "open", Tag: pickTag(func(m *Model, i int) tea.Cmd { return m.openURL(urls[i]) })})
	return nil
}

// openURL gives a URL to the browser and to the clipboard; without a browser, as
// on a server, only to that.
func (m *Model) openURL(url string) tea.Cmd {
	copied := tea.SetClipboard(url)
	browser := m.opts.Browser
	if len(browser) == 0 {
		return tea.Batch(copied, m.say("copied "+url, false))
	}
	ctx := context.WithoutCancel(m.ctx) // it stays open when the workbench is left
	return tea.Batch(copied, m.say("opened "+url, false), func() tea.Msg {
		cmd := exec.CommandContext(ctx, browser[0], append(slices.Clone(browser[1:]), url)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			why := cmp.Or(strings.TrimSpace(string(out)), err.Error())
			return changeMsg(func(m *Model) tea.Cmd { return m.say("no browser opened "+url+", it is copied: "+safeText(why), true) })
		}
		return nil
	})
}

// checkPorts is the check of a row of -p.
func checkPorts(s string) string {
	_, err := portspec.Publish([]string{s})
	return errText(err)
}
