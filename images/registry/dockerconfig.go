package registry

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
	"golang.org/x/sys/unix"

	"gantry/images"
)

// maxDockerConfig bounds docker's config.json.
const maxDockerConfig = 4 << 20

// A dockerConfig is the folder with docker's config.json. It belongs to docker
// and its plugins as well: only our own entry is touched, every other key is
// kept byte for byte.
type dockerConfig struct{ dir string }

func (c *Client) docker() dockerConfig {
	return dockerConfig{dir: findDockerDir(c.cfg.DockerDir)}
}

func findDockerDir(configured string) string {
	if configured != "" {
		return configured
	}
	if d := os.Getenv("DOCKER_CONFIG"); d != "" {
		return d
	}
	home, _ := os.UserHomeDir()
	return filepath.Join(home, ".docker")
}

// store keeps credentials with the helper that the configuration names for the
// registry, else in the file itself. With a helper the entry stays empty, as
// docker leaves it: other tools see there which registries are known.
func (d dockerConfig) store(server, user, password string) error {
	return d.edit(func(f *dockerFile) error {
		entry := []byte(`{}`)
		if helper := f.helper(server); helper != "" {
			secret := &credentials.Credentials{ServerURL: server, Username: user, Secret: password}
			if err := client.Store(program(helper), secret); err != nil {
				return fmt.Errorf("credential helper %s: %w", helper, err)
			}
		} else {
			auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
			entry, _ = json.Marshal(map[string]string{"auth": auth}) // of strings, cannot fail
		}
		f.auths[server] = entry
		return nil
	})
}

func (d dockerConfig) erase(server string) error {
	return d.edit(func(f *dockerFile) error {
		_, known := f.auths[server]
		if helper := f.helper(server); helper != "" {
			_, err := client.Get(program(helper), server)
			switch {
			case err == nil:
				known = true
				err = client.Erase(program(helper), server)
			case credentials.IsErrCredentialsNotFound(err):
				err = nil
			}
			if err != nil {
				return fmt.Errorf("credential helper %s: %w", helper, err)
			}
		}
		if !known {
			return fmt.Errorf("%w: there are no credentials for it in %s", images.ErrNotFound, d.dir)
		}
		delete(f.auths, server)
		return nil
	})
}

func program(helper string) client.ProgramFunc {
	return client.NewShellProgramFunc("docker-credential-" + helper)
}

// A dockerFile is config.json with the keys that we know taken out of it.
type dockerFile struct {
	all   map[string]json.RawMessage
	auths map[string]json.RawMessage

	credsStore  string
	credHelpers map[string]string
}

func (f *dockerFile) helper(server string) string {
	if h := f.credHelpers[server]; h != "" {
		return h
	}
	if h := f.credHelpers[registryHost(server)]; h != "" {
		return h
	}
	return f.credsStore
}

func (f *dockerFile) parse(raw []byte) error {
	f.all, f.auths = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &f.all); err != nil {
		return err
	}
	for key, into := range map[string]any{"auths": &f.auths, "credsStore": &f.credsStore, "credHelpers": &f.credHelpers} {
		if v, ok := f.all[key]; ok {
			if err := json.Unmarshal(v, into); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	if f.all == nil || f.auths == nil { // "null"
		return errors.New("null where an object is expected")
	}
	return nil
}

func (f *dockerFile) bytes() ([]byte, error) {
	auths, err := json.Marshal(f.auths)
	if err != nil {
		return nil, err
	}
	f.all["auths"] = auths
	return json.MarshalIndent(f.all, "", "\t")
}

// edit reads, changes and replaces the file. The folder is locked meanwhile, so
// that of two logins at once neither is lost. A file that does not parse is
// left alone: it may hold the only copy of somebody's credentials.
func (d dockerConfig) edit(change func(*dockerFile) error) error {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	dir, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // releases the lock
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", d.dir, err)
	}
	path := filepath.Join(d.dir, "config.json")
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // people keep it among their dotfiles: replace the file, not the link
	}
	raw, err := readBounded(path, maxDockerConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var f dockerFile
	if err := f.parse(raw); err != nil {
		return fmt.Errorf("%w: parse %s: %v; it was left as it is", images.ErrCorrupt, path, err)
	}
	if err := change(&f); err != nil {
		return err
	}
	out, err := f.bytes()
	if err != nil {
		return err
	}
	return replace(path, append(out, '\n'))
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%w: %s is larger than %d bytes", images.ErrCorrupt, path, limit)
	}
	return raw, err
}

// replace writes a file so that after a crash either the old or the new one is
// there. It is readable for its owner only, who stays the same (sudo keeps HOME
// in some set-ups).
func replace(path string, content []byte) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".config.json-") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
		}
	}()
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil {
		_ = tmp.Chown(int(st.Uid), int(st.Gid)) // only root can, and only root needs to
	}
	if _, err = tmp.Write(content); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}
