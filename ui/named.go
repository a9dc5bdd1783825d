package ui

import (
	"fmt"
	"slices"
	"strings"

	"gantry/engine"
)

// named finds containers by name or by the beginning of an ID; without words
// they are those that are chosen.
func (m *Model) named(words []string) ([]engine.ContainerSummary, error) {
	if len(words) == 0 {
		if cs := m.targets(); len(cs) > 0 {
			return cs, nil
		}
		return nil, fmt.Errorf("there is no container")
	}
	var out []engine.ContainerSummary
	for _, w := range words {
		i := slices.IndexFunc(m.state.Containers, func(c engine.ContainerSummary) bool { return c.Name == w })
		if i < 0 {
			i = slices.IndexFunc(m.state.Containers, func(c engine.ContainerSummary) bool { return len(w) >= 4 && strings.HasPrefix(string(c.ID), w) })
		}
		if i < 0 {
			return nil, fmt.Errorf("there is no container %q", w)
		}
		out = append(out, m.state.Containers[i])
	}
	return out, nil
}

// namedImages is named for images; an image is known by any of its names.
func (m *Model) namedImages(words []string) ([]engine.ImageSummary, error) {
	if len(words) == 0 {
		if imgs := m.imageTargets(); len(imgs) > 0 {
			return imgs, nil
		}
		return nil, fmt.Errorf("there is no image")
	}
	var out []engine.ImageSummary
	for _, w := range words {
		img, ok := m.imageByName(w)
		if !ok {
			return nil, fmt.Errorf("there is no image %q", w)
		}
		out = append(out, img)
	}
	return out, nil
}

// imageByName finds an image by one of its names, which then stands first: it
// is the one that is meant. A name without a tag means the tag latest.
func (m *Model) imageByName(word string) (engine.ImageSummary, bool) {
	for _, img := range m.state.Images {
		for i, t := range img.Tags {
			if t == word || t == word+":latest" {
				img.Tags = slices.Concat(img.Tags[i:i+1], img.Tags[:i], img.Tags[i+1:])
				return img, true
			}
		}
		if len(word) >= 4 && (strings.HasPrefix(string(img.ID), word) || strings.HasPrefix(img.ID.Hex(), word)) {
			return img, true
		}
	}
	return engine.ImageSummary{}, false
}

// containerNames are the names that can stand behind an action, without those
// that stand there already.
func (m *Model) containerNames(fits func(engine.ContainerSummary) string, args []string) []string {
	var out []string
	for _, c := range m.state.Containers {
		if fits(c) == "" && !slices.Contains(before(args), c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

func (m *Model) imageNames(args []string) []string {
	var out []string
	for _, img := range m.state.Images {
		for _, t := range img.Tags {
			if !slices.Contains(before(args), t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// before is the arguments without the one that is being typed.
func before(args []string) []string { return args[:max(0, len(args)-1)] }

// imageName is how an image is called: its first name, or its short ID.
func imageName(img engine.ImageSummary) string {
	if len(img.Tags) > 0 {
		return img.Tags[0]
	}
	return img.ID.Short()
}

func imageNamesOf(imgs []engine.ImageSummary) []string {
	out := make([]string, len(imgs))
	for i, img := range imgs {
		out[i] = imageName(img)
	}
	return out
}
