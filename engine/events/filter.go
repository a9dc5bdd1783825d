package events

import (
	"fmt"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/images"
)

// keys are docker's filters of events: whether ev matches one value.
var keys = map[string]func(ev engine.Event, value string) bool{
	"type":      func(ev engine.Event, v string) bool { return string(ev.Kind) == v },
	"event":     matchAction,
	"container": matchContainer,
	"image":     matchImage,
	"volume":    matchVolume,
	"network":   matchNetwork,
	"label":     matchLabel,
}

// filter chooses events. The values of one key are alternatives, but every
// label must match; different keys must all match.
type filter struct{ values engine.Filters }

func newFilter(f engine.Filters) (filter, error) {
	for key := range f {
		if keys[key] == nil {
			return filter{}, fmt.Errorf("watch events: %w filter %q: use container, event, image, label, network, type or volume", engine.ErrInvalid, key)
		}
	}
	return filter{values: f}, nil
}

func (f filter) includes(ev engine.Event) bool {
	for key, values := range f.values {
		one := func(v string) bool { return keys[key](ev, v) }
		other := func(v string) bool { return !one(v) }
		switch {
		case len(values) == 0:
		case key == "label" && slices.ContainsFunc(values, other):
			return false
		case key != "label" && !slices.ContainsFunc(values, one):
			return false
		}
	}
	return true
}

// matchAction takes an action, with or without what some have behind a colon:
// "health_status" is every verdict, "health_status: healthy" one.
func matchAction(ev engine.Event, v string) bool {
	if ev.Action == v {
		return true
	}
	given, _, long := strings.Cut(v, ":")
	action, _, _ := strings.Cut(ev.Action, ":")
	return !long && action == v || long && ev.Action == given
}

// matchContainer takes an ID, the beginning of one, or a name.
func matchContainer(ev engine.Event, v string) bool {
	return ev.Kind == engine.KindContainer && v != "" &&
		(strings.HasPrefix(ev.ID, v) || ev.Attributes["name"] == strings.TrimPrefix(v, "/"))
}

// matchVolume takes a volume's name.
func matchVolume(ev engine.Event, v string) bool {
	return ev.Kind == engine.KindVolume && v != "" && ev.ID == v
}

// matchNetwork takes an ID, the beginning of one, or a name.
func matchNetwork(ev engine.Event, v string) bool {
	return ev.Kind == engine.KindNetwork && v != "" && (strings.HasPrefix(ev.ID, v) || ev.Attributes["name"] == v)
}

// matchImage takes an ID or the beginning of one, or a reference; one without a
// tag is every tag. It finds the image's own events and its containers'.
func matchImage(ev engine.Event, v string) bool {
	if v == "" {
		return false
	}
	name := ev.Attributes["image"]
	if ev.Kind == engine.KindImage {
		if isID(ev.ID, v) {
			return true
		}
		name = ev.Attributes["name"]
		if name == "" {
			name = ev.ID
		}
	}
	return name == v || isID(name, v) || sameImage(name, v)
}

// isID tells whether v is the beginning of the digest id, with or without its
// algorithm. Less than four digits are a name.
func isID(id, v string) bool {
	_, digits, ok := strings.Cut(id, ":")
	v = strings.TrimPrefix(v, "sha256:")
	return ok && len(digits) == 64 && len(v) >= 4 && strings.HasPrefix(digits, v)
}

// sameImage compares references after docker's rules for short names.
func sameImage(name, want string) bool {
	n, err := images.ParseRef(name)
	if err != nil {
		return false
	}
	w, err := images.ParseRef(want)
	if err != nil || n.Name() != w.Name() {
		return false
	}
	if w.Digest != "" {
		return n.Digest == w.Digest
	}
	tagged := strings.LastIndexByte(want, ':') > strings.LastIndexByte(want, '/')
	return !tagged || n.Tag == w.Tag
}

// matchLabel takes a key, or key=value. Labels are among the attributes.
func matchLabel(ev engine.Event, v string) bool {
	key, value, both := strings.Cut(v, "=")
	has, ok := ev.Attributes[key]
	return ok && (!both || has == value)
}
