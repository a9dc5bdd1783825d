package archive

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gantry/images"
	"gantry/images/assemble"
	"gantry/images/store"
)

// maxDepth is how deep indexes nest: index.json, the image's index, and one
// more for what tools put between.
const maxDepth = 4

// layout finds the images of an OCI layout (image-layout.md): each name in
// index.json, and each descriptor without one, is an image.
func (m *members) layout(platform images.Platform, docker []dockerManifest) ([]candidate, error) {
	b, err := m.document("index.json")
	if err != nil {
		return nil, err
	}
	x, err := store.ParseIndex(b, "")
	if err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	names, err := m.dockerNames(docker)
	if err != nil {
		return nil, err
	}
	var out []candidate
	for _, group := range groups(x.Manifests) {
		c, err := m.pick(group, platform, 0)
		if err != nil {
			return nil, fmt.Errorf("index.json: %w", err)
		}
		if c.refs, err = layoutRefs(group); err != nil {
			return nil, fmt.Errorf("index.json: %w", err)
		}
		if man, _, err := m.s.Manifest(c.manifest); err == nil {
			c.refs = append(c.refs, names[man.Config.Digest]...)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("its index.json lists no image")
	}
	return merge(out), nil
}

// groups puts together what has the same name: the platforms of one image.
func groups(list []store.Descriptor) [][]store.Descriptor {
	var out [][]store.Descriptor
	at := map[string]int{}
	for _, d := range list {
		if isAttestation(d) {
			continue
		}
		name := d.Annotations[annContainerdName] + " " + d.Annotations[annRefName]
		if i, ok := at[name]; ok && name != " " && d.Platform != nil {
			out[i] = append(out[i], d)
			continue
		}
		at[name] = len(out)
		out = append(out, []store.Descriptor{d})
	}
	return out
}

// merge joins the names of the same manifest.
func merge(list []candidate) []candidate {
	var out []candidate
	for _, c := range list {
		i := slices.IndexFunc(out, func(o candidate) bool { return o.manifest == c.manifest })
		if i < 0 {
			i = len(out)
			out = append(out, candidate{manifest: c.manifest, target: c.target})
		}
		for _, r := range c.refs {
			if !slices.Contains(out[i].refs, r) {
				out[i].refs = append(out[i].refs, r)
			}
		}
	}
	return out
}

// layoutRefs reads the name of a descriptor. containerd's annotation is a full
// name. The specification's is whatever its writer thought of: it counts when
// it names more than a tag.
func layoutRefs(group []store.Descriptor) ([]images.Ref, error) {
	a := group[0].Annotations
	if name := a[annContainerdName]; name != "" {
		return parseTags([]string{name})
	}
	if name := a[annRefName]; strings.ContainsAny(name, "/:") {
		return parseTags([]string{name})
	}
	return nil, nil
}

// dockerNames maps configurations to the names that manifest.json gives them.
func (m *members) dockerNames(docker []dockerManifest) (map[images.Digest][]images.Ref, error) {
	names := map[images.Digest][]images.Ref{}
	for _, d := range docker {
		refs, err := parseTags(d.RepoTags)
		if err != nil {
			return nil, fmt.Errorf("manifest.json: %w", err)
		}
		b, err := m.document(d.Config)
		if err != nil {
			return nil, fmt.Errorf("manifest.json: %w", err)
		}
		id := store.DigestOf(b)
		names[id] = append(names[id], refs...)
	}
	return names, nil
}

// pick chooses among the descriptors of one image and follows indexes down to a
// manifest. An archive may hold some platforms of an index only.
func (m *members) pick(list []store.Descriptor, want images.Platform, depth int) (candidate, error) {
	if depth > maxDepth {
		return candidate{}, fmt.Errorf("%w: indexes nest deeper than %d", images.ErrHostile, maxDepth)
	}
	var here []store.Descriptor
	for _, d := range list {
		if _, ok := m.blobs["blobs/sha256/"+d.Digest.Hex()]; ok && !isAttestation(d) {
			here = append(here, d)
		}
	}
	d, err := choose(here, want, depth > 0 || len(list) > 1)
	if err != nil {
		return candidate{}, err
	}
	b, err := m.s.ReadBlob(d.Digest, store.MaxManifest)
	if err != nil {
		return candidate{}, err
	}
	if store.IsIndex(d.MediaType) {
		x, err := store.ParseIndex(b, d.MediaType)
		if err != nil {
			return candidate{}, err
		}
		c, err := m.pick(x.Manifests, want, depth+1)
		c.target = d.Digest
		return c, err
	}
	if _, err := store.ParseManifest(b, d.MediaType); err != nil {
		return candidate{}, err
	}
	return candidate{manifest: d.Digest}, nil
}

// choose finds the platform, among several only.
func choose(list []store.Descriptor, want images.Platform, several bool) (store.Descriptor, error) {
	if len(list) == 0 {
		return store.Descriptor{}, fmt.Errorf("%w: the archive holds none of the manifests that it lists", images.ErrCorrupt)
	}
	anyWill := want == images.Platform{}
	if anyWill {
		want = images.HostPlatform()
	}
	if !several || anyWill && len(list) == 1 {
		return list[0], nil
	}
	var have []string
	for _, d := range list {
		if d.Platform == nil || d.Platform.Matches(want) {
			return d, nil
		}
		have = append(have, d.Platform.Normalize().String())
	}
	return store.Descriptor{}, fmt.Errorf("%w: the archive holds no image for %s, only for %s", images.ErrPlatform, want, strings.Join(have, ", "))
}

// isAttestation recognises buildkit's provenance and SBOMs.
func isAttestation(d store.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
}

// sniff tells how a stored layer is compressed.
func (m *members) sniff(d store.Descriptor) (string, error) {
	f, _, err := m.s.OpenBlob(d.Digest)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return assemble.Compression(bufio.NewReaderSize(f, 16)), nil
}
