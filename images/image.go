package images

import "time"

// Image is one image in the local store, for one platform.
type Image struct {
	// ID is the digest of the image configuration, as in docker.
	ID Digest `json:"id"`
	// Manifest is the digest of the platform's manifest, Target that of what
	// the registry's tag pointed at: the index where there was one.
	Manifest Digest `json:"manifest"`
	Target   Digest `json:"target,omitempty"`

	Tags        []string `json:"tags,omitempty"`        // familiar "name:tag"
	RepoDigests []string `json:"repoDigests,omitempty"` // familiar "name@sha256:…"

	Platform Platform          `json:"platform"`
	Created  time.Time         `json:"created"`
	Labels   map[string]string `json:"labels,omitempty"`

	// Size is the number of bytes that the unpacked layers take; Download is
	// what their compressed blobs take.
	Size     int64 `json:"size"`
	Download int64 `json:"download"`

	DiffIDs []Digest `json:"diffIDs"`

	// Problem says why the image cannot be used and what to do about it: a
	// damaged manifest, configuration or layer. Such an image is still listed,
	// so that it can be removed or pulled again.
	Problem string `json:"problem,omitempty"`
}

// Config is the part of an image configuration that containers inherit, a
// superset of the OCI image spec's config.md with docker's fields. The JSON
// names are docker's.
type Config struct {
	Hostname     string              `json:"Hostname,omitempty"`
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Healthcheck  *Healthcheck        `json:"Healthcheck,omitempty"`
	ArgsEscaped  bool                `json:"ArgsEscaped,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	OnBuild      []string            `json:"OnBuild,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
	StopTimeout  *int                `json:"StopTimeout,omitempty"`
	Shell        []string            `json:"Shell,omitempty"`
}

// Healthcheck is docker's HEALTHCHECK. Durations are in nanoseconds.
type Healthcheck struct {
	Test          []string      `json:"Test,omitempty"`
	Interval      time.Duration `json:"Interval,omitempty"`
	Timeout       time.Duration `json:"Timeout,omitempty"`
	StartPeriod   time.Duration `json:"StartPeriod,omitempty"`
	StartInterval time.Duration `json:"StartInterval,omitempty"`
	Retries       int           `json:"Retries,omitempty"`
}

// ConfigFile is an image configuration blob (OCI image spec, config.md).
type ConfigFile struct {
	Created      *time.Time `json:"created,omitempty"`
	Author       string     `json:"author,omitempty"`
	Architecture string     `json:"architecture"`
	OS           string     `json:"os"`
	Variant      string     `json:"variant,omitempty"`
	Config       Config     `json:"config"`
	RootFS       RootFS     `json:"rootfs"`
	History      []History  `json:"history,omitempty"`
}

// RootFS lists the digests of the uncompressed layers, bottom first.
type RootFS struct {
	Type    string   `json:"type"`
	DiffIDs []Digest `json:"diff_ids"`
}

// History is one build step; EmptyLayer is set when it made no layer.
type History struct {
	Created    *time.Time `json:"created,omitempty"`
	CreatedBy  string     `json:"created_by,omitempty"`
	Author     string     `json:"author,omitempty"`
	Comment    string     `json:"comment,omitempty"`
	EmptyLayer bool       `json:"empty_layer,omitempty"`
}

// Platform of the configuration.
func (c *ConfigFile) Platform() Platform {
	return Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}.Normalize()
}
