package ui

import (
	"strings"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/widgets"
)

// jobPane stands for the detail while the list of jobs has the focus: a job has
// no tabs, only how far it is and how it ended.
func (m *Model) jobPane(r rect) []string {
	j := m.jobList.Current()
	if j == nil {
		p := m.pane(detailPane, r, "Job", "")
		w, _ := p.Inner()
		return p.Render(m.empty(w, "No job is chosen.", "Pulls and pushes show here."))
	}
	p := m.pane(detailPane, r, jobTitle(j), "")
	w, h := p.Inner()
	lines := m.jobLines(j, w)
	return p.Render(lines[:min(len(lines), h)])
}

func (m *Model) jobLines(j *engine.Job, w int) []string {
	sign, style := m.jobSign(j)
	text, way := string(j.State)+" since "+j.Started.Local().Format("15:04:05"), "enter watches it."
	if !j.Ended.IsZero() {
		text, way = string(j.State)+" after "+dialogs.Took(j.Ended.Sub(j.Started)), "enter shows all of it."
	}
	lines := []string{"", " " + style.Render(sign) + " " + m.styles.Text.Render(widgets.Fit(text, w-3))}
	if j.State == engine.JobRunning {
		c := m.jobCell(j, max(9, min(w-2, 40)))
		lines = append(lines, " "+c.Style.Render(widgets.Fit(c.Text, w-1)))
	}
	if j.Error != "" {
		for _, line := range widgets.WrapFit(safeText(j.Error), w-2, 6) {
			lines = append(lines, " "+m.styles.Bad.Render(line)+" ")
		}
	}
	lines = append(lines, "")
	for _, part := range progressParts(m.parts(j)) {
		lines = append(lines, " "+m.styles.Text.Render(widgets.Fit(strings.TrimRight(safeText(part.Name)+"  "+part.State+"  "+part.Size, " "), w-1)))
	}
	return append(lines, "", " "+m.styles.Muted.Render(widgets.Fit(way, w-1)))
}
