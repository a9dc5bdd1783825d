package ui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
	"gantry/ui/feed"
	"gantry/ui/glyph"
)

func (m *Model) askPull() tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Pull an image", Yes: "pull",
		Fields: []dialogs.Field{
			{Key: "ref", Label: "image", Hint: "alpine, registry.example/team/app:1.0", Complete: prefixed(func() []string { return m.imageNames(nil) }), Check: checked(images.ParseRef)},
			{Key: "platform", Label: "platform", Hint: images.HostPlatform().String() + ", this machine's", Check: checkPlatform},
		},
		Preview: func(v dialogs.Values) string { return pullCommand(v.Text("ref"), v.Text("platform")) },
		Tag:     formTag(func(v dialogs.Values) tea.Cmd { return m.pull(v.Text("ref"), v.Text("platform")) }),
	})
}

func checkPlatform(s string) string {
	if s == "" {
		return ""
	}
	_, err := images.ParsePlatform(s)
	return errText(err)
}

func pullCommand(ref, platform string) string {
	if platform != "" {
		return "gantry pull --platform " + quote(platform) + " " + orWord(ref, "IMAGE")
	}
	return "gantry pull " + orWord(ref, "IMAGE")
}

func (m *Model) pull(ref, platform string) tea.Cmd { return m.startJob(pullOrder(ref, platform)) }

func pullOrder(ref, platform string) jobOrder {
	return jobOrder{
		spec:  engine.JobSpec{Kind: "pull", Args: map[string]string{"ref": ref, "platform": platform}},
		title: "Pull", about: ref, command: pullCommand(ref, platform),
	}
}

func pullWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) == 0 {
		return m.askPull(), nil
	}
	var orders []jobOrder
	for _, ref := range args {
		if _, err := images.ParseRef(ref); err != nil {
			return nil, err
		}
		orders = append(orders, pullOrder(ref, ""))
	}
	return m.startJobs(orders), nil
}

// askPush asks which name of an image is meant where it has several; of several
// images it is the first.
func (m *Model) askPush(imgs []engine.ImageSummary) tea.Cmd {
	for _, img := range imgs {
		if len(img.Tags) == 0 {
			return m.say("Push: "+imageName(img)+" has no name; tag it first", true)
		}
	}
	if img := imgs[0]; len(imgs) == 1 && len(img.Tags) > 1 {
		items := make([]dialogs.Item, len(img.Tags))
		for i, t := range img.Tags {
			items[i] = dialogs.Item{Text: t}
		}
		m.open(dialogs.Pick{Name: "Push which name?", Items: items, Tag: pickTag(func(m *Model, i int) tea.Cmd {
			img.Tags = img.Tags[i : i+1]
			return m.askPushAll([]engine.ImageSummary{img})
		})})
		return nil
	}
	return m.askPushAll(imgs)
}

func (m *Model) askPushAll(imgs []engine.ImageSummary) tea.Cmd {
	var objects []dialogs.Object
	var commands []string
	var registries []string
	for _, img := range imgs {
		name := img.Tags[0]
		objects = append(objects, dialogs.Object{Name: name, About: fmt.Sprintf("%s  %d %s", bytesText(img.Size), len(img.DiffIDs), pick(len(img.DiffIDs), "layer", "layers"))})
		commands = append(commands, m.line("image.push", name))
		if r := registryOf(name); !slices.Contains(registries, r) {
			registries = append(registries, r)
		}
	}
	return m.ask(dialogs.Confirm{
		Name: "Push", Question: "Push " + pick(len(imgs), "it", "them") + " to " + strings.Join(registries, " and ") + "?", Yes: "push", Objects: objects,
		Command: strings.Join(commands, " && "), Note: "The layers become readable for whoever may read the repository.",
	}, func() tea.Cmd {
		m.images.Unmark()
		var orders []jobOrder
		for i, o := range objects {
			orders = append(orders, jobOrder{spec: engine.JobSpec{Kind: "push", Args: map[string]string{"ref": o.Name}}, title: "Push", about: o.Name, command: commands[i]})
		}
		return m.startJobs(orders)
	})
}

// registryOf is where an image comes from and goes to.
func registryOf(name string) string {
	if ref, err := images.ParseRef(name); err == nil {
		return ref.Registry
	}
	return images.DefaultRegistry
}

// startJobs begins several jobs. Only a single one shows its progress at once;
// several are in the list of jobs.
func (m *Model) startJobs(orders []jobOrder) tea.Cmd {
	var cmds []tea.Cmd
	for _, o := range orders {
		o.hidden = len(orders) > 1
		cmds = append(cmds, m.startJob(o))
	}
	if len(orders) > 1 {
		cmds = append(cmds, m.say(fmt.Sprintf("%d jobs begin; the list of jobs shows them", len(orders)), false))
	}
	return tea.Batch(cmds...)
}

// jobOrder is long work that is to be started.
type jobOrder struct {
	spec    engine.JobSpec
	title   string         // "Pull"
	about   string         // the object
	command string         // that does the same
	then    func() tea.Cmd // follows when it went well
	hidden  bool           // it is not shown when it begins
	foreign bool           // somebody else may have begun it
	local   bool           // it is done in this process, and ends with it
}

// jobView is long work that is followed.
type jobView struct {
	jobOrder
	feed      *feed.Job
	cancel    func() tea.Cmd
	cancelled bool // by this workbench: who cancels needs not be told
}

type (
	jobStarted struct { // or why it was not
		id    engine.ID
		order jobOrder
		err   error
	}
	jobMsg struct{ id engine.ID } // a job that is shown has something new
	jobTag struct{ id engine.ID } // of a Progress
)

// startJob begins long work in a process of its own: it goes on when the
// workbench is left.
func (m *Model) startJob(order jobOrder) tea.Cmd {
	started := jobStarted{order: order}
	return m.do(operation{name: "Begin the " + order.spec.Kind + " of", objects: []string{order.about}, quiet: true,
		one: func(ctx context.Context, _ int) (string, error) {
			started.id, started.err = m.eng.Jobs().Start(ctx, order.spec)
			return "", ctx.Err()
		},
		then: func() tea.Cmd { return m.jobStarted(started) }})
}

func (m *Model) jobStarted(msg jobStarted) tea.Cmd {
	if msg.err != nil {
		m.record(msg.order.command, false)
		return m.fail(msg.err)
	}
	cmd := m.followJob(msg.id)
	j := m.jobs[msg.id]
	j.jobOrder = msg.order
	if !msg.order.hidden {
		m.openJob(msg.id)
	}
	return cmd
}

// followJob keeps up with a job, once.
func (m *Model) followJob(id engine.ID) tea.Cmd {
	if m.jobs[id] != nil {
		return nil
	}
	eng := m.eng
	j := &jobView{feed: feed.NewJob(m.ctx, eng, id)}
	j.cancel = func() tea.Cmd {
		return m.do(operation{name: "Cancel", past: "cancelled", command: m.line("job.cancel", id.Short()), objects: []string{j.name()},
			one: func(ctx context.Context, _ int) (string, error) { return "", eng.Jobs().Cancel(ctx, string(id)) }})
	}
	return m.watch(id, j)
}

// followJobs keeps up with all that run, whoever began them.
func (m *Model) followJobs() tea.Cmd {
	var cmds []tea.Cmd
	for i := range m.state.Jobs {
		if j := &m.state.Jobs[i]; j.State == engine.JobRunning && m.jobs[j.ID] == nil {
			cmds = append(cmds, m.followJob(j.ID))
			m.jobs[j.ID].jobOrder = orderOf(j)
		}
	}
	return tea.Batch(cmds...)
}

// orderOf is a job that somebody else may have begun.
func orderOf(j *engine.Job) jobOrder {
	title := strings.ToUpper(j.Spec.Kind[:min(1, len(j.Spec.Kind))]) + j.Spec.Kind[min(1, len(j.Spec.Kind)):]
	return jobOrder{spec: j.Spec, title: title, about: j.Spec.Args["ref"], command: "gantry " + jobTitle(j), foreign: true}
}

// name is how a job is called in a sentence.
func (j *jobView) name() string { return strings.ToLower(j.title) + " of " + j.about }

// watch follows long work.
func (m *Model) watch(id engine.ID, j *jobView) tea.Cmd {
	m.jobs[id] = j
	return nextJob(m.ctx, j.feed, id)
}

// openJob opens the dialog of work that is followed.
func (m *Model) openJob(id engine.ID) {
	j := m.jobs[id]
	m.open(m.progress(dialogs.Progress{Tag: jobTag{id}, Name: j.title, About: j.about}, j.feed.State()))
}

// showJob opens the dialog of a job, of one that is over too.
func (m *Model) showJob(j *engine.Job) tea.Cmd {
	if m.jobs[j.ID] != nil {
		m.openJob(j.ID)
		return nil
	}
	o := orderOf(j)
	p := dialogs.Progress{Tag: jobTag{j.ID}, Name: o.title, About: o.about, Parts: progressParts(j.Progress), Over: true, Bad: j.State != engine.JobDone}
	p.Note = cmp.Or(safeText(j.Error), string(j.State)+" after "+j.Ended.Sub(j.Started).Round(100*time.Millisecond).String())
	m.open(p)
	return nil
}

func nextJob(ctx context.Context, f *feed.Job, id engine.ID) tea.Cmd {
	return func() tea.Msg {
		if f.Next(ctx) {
			return jobMsg{id}
		}
		return nil
	}
}

// jobChanged brings the row and the dialog of a job up to date, or says how it
// ended when the dialog was hidden.
func (m *Model) jobChanged(id engine.ID) tea.Cmd {
	j := m.jobs[id]
	if j == nil {
		return nil
	}
	m.jobList.Touch()
	state := j.feed.State()
	shown := -1
	for i, d := range m.dialogs {
		if p, ok := d.(dialogs.Progress); ok && p.Tag == (jobTag{id}) {
			m.dialogs[i], shown = m.progress(p, state), i
		}
	}
	if !state.Over {
		return nextJob(m.ctx, j.feed, id)
	}
	delete(m.jobs, id)
	if !j.foreign {
		m.record(j.command, state.Err == nil)
	}
	return m.jobEnded(j, state, shown)
}

func (m *Model) jobEnded(j *jobView, state feed.Progress, shown int) tea.Cmd {
	close := func() {
		if shown >= 0 {
			m.dialogs = slices.Delete(m.dialogs, shown, shown+1)
		}
	}
	switch {
	case j.foreign && shown < 0, j.cancelled && state.Err != nil: // who began it has been told
		close()
		return nil
	case state.Err != nil && unauthorized(state.Err):
		close()
		order := j.jobOrder
		registry := registryOf(order.about)
		if registry == images.DefaultRegistry {
			registry = "" // as the form has it
		}
		return m.failUnauthorized(state.Err, registry, func() tea.Cmd { return m.startJob(order) })
	case state.Err != nil && shown < 0:
		return m.fail(state.Err)
	case state.Err != nil:
		return nil
	case j.then != nil:
		close()
		return j.then()
	case shown < 0:
		return m.say(glyph.Done+" "+j.name()+" is done", false)
	}
	return nil
}

// cancelJob ends work that is followed.
func (m *Model) cancelJob(id engine.ID) tea.Cmd {
	if j := m.jobs[id]; j != nil {
		j.cancelled = true
		return j.cancel()
	}
	return nil
}

// progress fills the dialog of a job with where it stands.
func (m *Model) progress(d dialogs.Progress, s feed.Progress) dialogs.Progress {
	d.Parts = progressParts(s.Parts)
	d.Done, d.Total, d.Over, d.Bad = s.Done, s.Total, s.Over, s.Err != nil
	d.Rate = rate(s)
	switch {
	case s.Err != nil:
		a := m.explain(s.Err)
		d.Note, d.Hint = a.why, a.hint
	case s.Over:
		d.Note = s.Text
		if s.Total > 0 {
			d.Note += "\n" + bytesText(s.Total) + " in " + dialogs.Took(s.Took)
		}
	}
	return d
}

// rate is the speed, and how long it will take at that.
func rate(s feed.Progress) string {
	if s.Rate < 1 {
		return bytesText(s.Done) + " of " + bytesText(s.Total)
	}
	text := fmt.Sprintf("%s of %s"+glyph.Sep+"%s/s", bytesText(s.Done), bytesText(s.Total), bytesText(int64(s.Rate)))
	if left := time.Duration(float64(s.Total-s.Done) / s.Rate * float64(time.Second)); left >= time.Second {
		text += glyph.Sep + left.Round(time.Second).String() + " left"
	}
	return text
}

func progressParts(list []images.Progress) []dialogs.Part {
	var out []dialogs.Part
	for _, p := range list {
		if p.ID == "" {
			continue
		}
		part := dialogs.Part{Name: p.ID, State: string(p.State), Done: p.Done, Total: p.Total, Over: p.State.Finished(), Bad: p.State == images.Failed}
		switch {
		case p.Total > 1 && p.State.Finished():
			part.Size = bytesText(p.Total)
		case p.Total > 1:
			part.Size = bytesText(p.Done) + "/" + bytesText(p.Total)
		}
		if p.State == images.Exists {
			part.State = "is there"
		}
		out = append(out, part)
	}
	return out
}
