package fake

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/images"
)

// jobs implements the job role.
type jobs struct{ e *Engine }

// job is one job; Engine.mu guards every field.
type job struct {
	engine.Job
	err    error
	cancel context.CancelFunc
}

func (e *Engine) findJob(op, id string) (*job, error) {
	for _, j := range e.jobs {
		if id != "" && strings.HasPrefix(string(j.ID), id) {
			return j, nil
		}
	}
	return nil, opError(op, "job", id, engine.ErrNotFound, "")
}

func (js jobs) List(ctx context.Context) ([]engine.Job, error) {
	if err := js.e.enter(ctx, OpJobList); err != nil {
		return nil, opError("list", "jobs", "", err, "")
	}
	js.e.mu.Lock()
	defer js.e.mu.Unlock()
	var list []engine.Job
	for _, j := range slices.Backward(js.e.jobs) {
		one := j.Job
		one.Progress = slices.Clone(j.Progress)
		list = append(list, one)
	}
	return list, nil
}

func (js jobs) Start(ctx context.Context, spec engine.JobSpec) (engine.ID, error) {
	e := js.e
	if err := e.enter(ctx, OpJobStart); err != nil {
		return "", opError("start", "job", spec.Kind, err, "")
	}
	var work iter.Seq2[images.Progress, error]
	run, cancel := context.WithCancel(context.Background())
	switch spec.Kind {
	case "pull":
		work = e.pull(run, engine.PullOptions{Ref: spec.Args["ref"], Platform: spec.Args["platform"]})
	case "push":
		work = imageStore{e}.Push(run, engine.PushOptions{Ref: spec.Args["ref"]})
	default:
		cancel()
		return "", opError("start", "job", spec.Kind, engine.ErrInvalid, "jobs: pull, push")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	j := &job{Job: engine.Job{ID: e.drawID(), Spec: spec, State: engine.JobRunning, Started: time.Now().UTC()}, cancel: cancel}
	e.jobs = append(e.jobs, j)
	e.jobEvent(j, "start")
	e.wg.Go(func() { e.work(run, j, work) })
	return j.ID, nil
}

func (e *Engine) jobEvent(j *job, action string) {
	e.emit(engine.Event{Kind: engine.KindJob, Action: action, ID: string(j.ID), Attributes: map[string]string{"kind": j.Spec.Kind}})
}

func (e *Engine) work(ctx context.Context, j *job, seq iter.Seq2[images.Progress, error]) {
	defer j.cancel()
	for p, err := range seq {
		e.mu.Lock()
		if err != nil {
			j.err = err
		} else if i := slices.IndexFunc(j.Progress, func(o images.Progress) bool { return o.ID == p.ID }); i >= 0 {
			j.Progress[i] = p
		} else {
			j.Progress = append(j.Progress, p)
		}
		e.notify()
		e.mu.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	j.Ended, j.State = time.Now().UTC(), engine.JobDone
	if j.err != nil {
		j.State, j.Error = engine.JobFailed, j.err.Error()
		if ctx.Err() != nil {
			j.State = engine.JobCanceled
		}
	}
	e.jobEvent(j, string(j.State))
}

func (js jobs) Follow(ctx context.Context, id string) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		e := js.e
		if err := e.enter(ctx, OpJobFollow); err != nil {
			yield(images.Progress{}, opError("follow", "job", id, err, ""))
			return
		}
		e.mu.Lock()
		j, err := e.findJob("follow", id)
		e.mu.Unlock()
		if err != nil {
			yield(images.Progress{}, err)
			return
		}
		seen := map[string]images.Progress{}
		for {
			var news []images.Progress
			var ended bool
			var failure error
			err := e.await(ctx, func() bool {
				for _, p := range j.Progress {
					if seen[p.ID] != p {
						news = append(news, p)
						seen[p.ID] = p
					}
				}
				ended, failure = j.State != engine.JobRunning, j.err
				return len(news) > 0 || ended
			})
			for _, p := range news {
				if !yield(p, nil) {
					return
				}
			}
			if err == nil && ended {
				err = failure
			} else if err == nil {
				continue
			}
			if err != nil {
				yield(images.Progress{}, err)
			}
			return
		}
	}
}

func (js jobs) Cancel(ctx context.Context, id string) error {
	if err := js.e.enter(ctx, OpJobCancel); err != nil {
		return opError("cancel", "job", id, err, "")
	}
	js.e.mu.Lock()
	j, err := js.e.findJob("cancel", id)
	js.e.mu.Unlock()
	if err != nil {
		return err
	}
	j.cancel()
	return js.e.await(ctx, func() bool { return j.State != engine.JobRunning })
}

func (js jobs) Remove(ctx context.Context, id string) error {
	if err := js.e.enter(ctx, OpJobRemove); err != nil {
		return opError("remove", "job", id, err, "")
	}
	js.e.mu.Lock()
	defer js.e.mu.Unlock()
	j, err := js.e.findJob("remove", id)
	if err != nil {
		return err
	}
	if j.State == engine.JobRunning {
		return opError("remove", "job", id, engine.ErrConflict, "it is running; cancel it first")
	}
	js.e.jobs = slices.DeleteFunc(js.e.jobs, func(o *job) bool { return o == j })
	js.e.jobEvent(j, engine.ActionDestroy)
	return nil
}
