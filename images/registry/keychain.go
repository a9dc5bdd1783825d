package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// defaultKeychain looks where docker and podman keep credentials. It stands in
// for ggcr's authn.DefaultKeychain for two reasons: that one reads podman's file
// only when docker has none at all, so that a first `gantry login` would hide
// podman's logins; and it asks the general credential store about the
// repository before it asks the registry's own helper.
func defaultKeychain(dockerDir string) authn.Keychain {
	return fileKeychain(func() []string {
		docker := filepath.Join(findDockerDir(dockerDir), "config.json")
		if dockerDir != "" {
			return []string{docker}
		}
		return append([]string{docker}, podmanFiles()...)
	})
}

// podmanFiles are containers-auth.json(5)'s places.
func podmanFiles() []string {
	var files []string
	if f := os.Getenv("REGISTRY_AUTH_FILE"); f != "" {
		files = append(files, f)
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		files = append(files, filepath.Join(d, "containers", "auth.json"))
	}
	if d, err := os.UserConfigDir(); err == nil {
		files = append(files, filepath.Join(d, "containers", "auth.json"))
	}
	return files
}

// A fileKeychain reads files in docker's format, helpers included, and takes
// the first credentials that fit.
type fileKeychain func() []string

// Resolve implements authn.Keychain.
func (k fileKeychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	for _, path := range k() {
		raw, err := readBounded(path, maxDockerConfig)
		// Without a file there may still be docker's $DOCKER_AUTH_CONFIG.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		auth, err := lookUp(raw, target)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if auth != authn.Anonymous {
			return auth, nil
		}
	}
	return authn.Anonymous, nil
}

func lookUp(raw []byte, target authn.Resource) (authn.Authenticator, error) {
	file, err := config.LoadFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	// Podman keeps credentials of single repositories as well.
	found, ok := file.AuthConfigs[target.String()]
	if !ok {
		key := target.RegistryStr()
		if key == name.DefaultRegistry {
			key = authn.DefaultAuthKey
		}
		if found, err = file.GetAuthConfig(key); err != nil {
			return nil, err
		}
	}
	found.ServerAddress = "" // filled in even when nothing was found
	if found == (types.AuthConfig{}) {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: found.Username, Password: found.Password, Auth: found.Auth,
		IdentityToken: found.IdentityToken, RegistryToken: found.RegistryToken,
	}), nil
}
