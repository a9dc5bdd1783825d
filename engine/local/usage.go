package local

import (
	"context"

	"gantry/engine"
)

// system implements engine.System.
type system Engine

// System returns the engine's role of the same name.
func (e *Engine) System() engine.System { return (*system)(e) }

// DiskUsage implements engine.System.
func (s *system) DiskUsage(ctx context.Context) (engine.DiskUsage, error) {
	u, err := (*Engine)(s).diskUsage(ctx)
	return u, kindErr("measure", "disk usage", "", err, "")
}

func (e *Engine) diskUsage(ctx context.Context) (u engine.DiskUsage, err error) {
	list, err := e.Containers().List(ctx, engine.ListOptions{All: true, Size: true})
	if err != nil {
		return u, err
	}
	u.Containers = list.Items
	if u.Volumes, err = e.volumeRows(ctx, true); err != nil {
		return u, err
	}
	imgs, err := e.Images().List(ctx, engine.ImageListOptions{All: true})
	if err != nil {
		return u, err
	}
	return u, e.imageUsage(imgs.Items, &u)
}

// imageUsage counts each layer once: what several images have is shared, what
// an image that a container was made from has is in use.
func (e *Engine) imageUsage(list []engine.ImageSummary, u *engine.DiskUsage) error {
	s, err := e.store()
	if err != nil {
		return err
	}
	sizes := map[string]int64{}
	holders := map[string]int{} // how many have the layer
	layersOf := make([][]string, len(list))
	for i, img := range list {
		layers, err := s.Layers(img.Image)
		if err != nil {
			continue // a damaged image is listed, and what is left of it goes with it
		}
		seen := map[string]bool{}
		for _, l := range layers {
			if seen[l.ID] {
				continue
			}
			seen[l.ID] = true
			sizes[l.ID] = l.Size
			holders[l.ID]++
			layersOf[i] = append(layersOf[i], l.ID)
		}
	}
	inUse := map[string]bool{}
	for i, img := range list {
		usage := engine.ImageUsage{ImageSummary: img}
		for _, id := range layersOf[i] {
			if holders[id] > 1 {
				usage.Shared += sizes[id]
			} else {
				usage.Unique += sizes[id]
			}
			if len(img.Containers) > 0 {
				inUse[id] = true
			}
		}
		u.Images = append(u.Images, usage)
	}
	for id, n := range sizes {
		u.Layers += n
		if inUse[id] {
			u.LayersInUse += n
		}
	}
	return nil
}
