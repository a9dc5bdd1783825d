package registry

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"

	"gantry/images"
)

// A door demands credentials in front of a registry: either directly or by
// tokens that it gives out at /token.
type door struct {
	user, password string
	bearer         bool
	realm          string // instead of the door's own /token

	mu     sync.Mutex
	scopes []string // that tokens were given for
	uses   int      // of the current token, which is good for a few requests
}

func (d *door) guard(w http.ResponseWriter, r *http.Request, next http.Handler) {
	user, password, basic := r.BasicAuth()
	known := basic && user == d.user && password == d.password
	switch {
	case r.URL.Path == "/token" && !known, r.URL.Path != "/token" && !d.bearer && !known:
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/token":
		d.mu.Lock()
		defer d.mu.Unlock()
		d.scopes, d.uses = append(d.scopes, r.URL.Query()["scope"]...), 0
		_ = json.NewEncoder(w).Encode(map[string]any{"token": "let-me-in", "expires_in": 60})
	case !d.bearer, r.Header.Get("Authorization") == "Bearer let-me-in" && d.stillGood():
		next.ServeHTTP(w, r)
	default:
		realm := d.realm
		if realm == "" {
			realm = "http://" + r.Host + "/token"
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="test",scope="repository:team/app:pull"`, realm))
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// stillGood lets a token expire after three uses.
func (d *door) stillGood() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.uses++
	return d.uses <= 3
}

// keys are fixed credentials for one host.
type keys struct{ host, user, password string }

func (k keys) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() != k.host {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: k.user, Password: k.password}), nil
}

func TestPullWithCredentials(t *testing.T) {
	t.Parallel()
	for _, bearer := range []bool{false, true} {
		d := &door{user: "jo", password: "pw", bearer: bearer}
		s := serve(t, d.guard)
		p := paint(t, here, 1000, 2000, 3000, 4000)
		s.upload(t, "team/app:1", p)
		st := newStore(t)
		c := newClient(t, Config{Keychain: keys{s.host, "jo", "pw"}})
		img, err := c.Pull(t.Context(), st, s.ref(t, "team/app:1"), here, nil)
		if err != nil {
			t.Fatalf("bearer %v: %v", bearer, err)
		}
		checkPulled(t, st, img, p)
		if bearer && (len(d.scopes) < 2 || d.scopes[0] != "repository:team/app:pull") {
			t.Errorf("tokens for %q; want several, as each is good for three requests", d.scopes)
		}
		for name, k := range map[string]keys{"wrong": {s.host, "jo", "no"}, "none": {}} {
			_, err := newClient(t, Config{Keychain: k}).Pull(t.Context(), st, s.ref(t, "team/app:1"), here, nil)
			if !errors.Is(err, images.ErrUnauthorized) || !strings.Contains(err.Error(), "try: gantry login "+s.host) {
				t.Errorf("bearer %v, %s password: %v", bearer, name, err)
			}
		}
	}
}

// Blobs often live at another host, which must not get the registry's
// credentials.
func TestRedirectDropsCredentials(t *testing.T) {
	t.Parallel()
	for _, bearer := range []bool{false, true} {
		d := &door{user: "jo", password: "pw", bearer: bearer}
		var leaked []string
		elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if a := r.Header.Get("Authorization"); a != "" {
				leaked = append(leaked, a)
			}
			next.ServeHTTP(w, r)
		})
		p := paint(t, here, mib)
		elsewhere.upload(t, "team/app:1", p)
		s := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if strings.Contains(r.URL.Path, "/blobs/") && r.Method == http.MethodGet {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path+"?signature=secret", http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, r)
		}, d.guard)
		s.upload(t, "team/app:1", p)
		st := newStore(t)
		c := newClient(t, Config{Keychain: keys{s.host, "jo", "pw"}})
		img, err := c.Pull(t.Context(), st, s.ref(t, "team/app:1"), here, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkPulled(t, st, img, p)
		if len(leaked) > 0 || elsewhere.log.count(http.MethodGet, "/blobs/") == 0 {
			t.Errorf("bearer %v: the other host saw %q", bearer, leaked)
		}
		elsewhere.Server.Close()
		_, err = newClient(t, Config{Keychain: keys{s.host, "jo", "pw"}, Patience: Patience{Attempts: 1}}).
			Pull(t.Context(), newStore(t), s.ref(t, "team/app:1"), here, nil)
		if !errors.Is(err, images.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
			t.Errorf("the other host is down: %v", err)
		}
	}
}

func TestRealmElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	asked := false
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(trap.Close)
	for _, realm := range []string{trap.URL + "/token", "http://169.254.169.254/latest", "file:///etc/passwd"} {
		d := &door{user: "jo", password: "pw", bearer: true, realm: realm}
		s := serve(t, d.guard)
		_, err := newClient(t, Config{Keychain: keys{s.host, "jo", "pw"}}).Pull(t.Context(), newStore(t), s.ref(t, "team/app:1"), here, nil)
		if err == nil || asked {
			t.Errorf("realm %s: %v, asked %v", realm, err, asked)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	for _, bearer := range []bool{false, true} {
		d := &door{user: "jo", password: "p:w", bearer: bearer}
		s := serve(t, d.guard)
		s.upload(t, "team/app:1", paint(t, here, 10))
		dir := filepath.Join(t.TempDir(), "docker")
		c := newClient(t, Config{DockerDir: dir})

		if _, err := c.Login(t.Context(), s.host, "jo", "wrong"); !errors.Is(err, images.ErrUnauthorized) ||
			!strings.Contains(err.Error(), "log in to "+s.host+": unauthorized: the registry refuses this user name or password") {
			t.Errorf("wrong password: %v", err)
		}
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
			t.Error("a failed login was stored")
		}
		if _, err := c.Resolve(t.Context(), s.ref(t, "team/app:1"), here); !errors.Is(err, images.ErrUnauthorized) {
			t.Errorf("before the login: %v", err)
		}
		if says, err := c.Login(t.Context(), "http://"+s.host+"/", "jo", "p:w"); err != nil || says != "Login Succeeded" {
			t.Fatalf("%q, %v", says, err)
		}
		if _, err := c.Resolve(t.Context(), s.ref(t, "team/app:1"), here); err != nil {
			t.Errorf("after the login: %v", err)
		}
		if err := c.Logout(s.host); err != nil {
			t.Error(err)
		}
		if _, err := c.Resolve(t.Context(), s.ref(t, "team/app:1"), here); !errors.Is(err, images.ErrUnauthorized) {
			t.Errorf("after the logout: %v", err)
		}
		if err := c.Logout(s.host); !errors.Is(err, images.ErrNotFound) {
			t.Errorf("second logout: %v", err)
		}
	}
}

func TestDockerConfigKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	real := filepath.Join(t.TempDir(), "dotfiles.json")
	before := `{"detachKeys":"ctrl-e","auths":{"a.b":{"auth":"eA==","email":"x@y"}},"plugins":{"n":{"k":1.50}},"HttpHeaders":null}`
	if err := os.WriteFile(real, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.json")
	if err := os.Symlink(real, path); err != nil {
		t.Fatal(err)
	}
	d := dockerConfig{dir}
	if err := d.store(serverKey(registryHost("index.docker.io")), "jo", "pw"); err != nil {
		t.Fatal(err)
	}
	auth := base64.StdEncoding.EncodeToString([]byte("jo:pw"))
	want := fmt.Sprintf(`{"detachKeys":"ctrl-e","auths":{"a.b":{"auth":"eA==","email":"x@y"},"https://index.docker.io/v1/":{"auth":%q}},"plugins":{"n":{"k":1.50}},"HttpHeaders":null}`, auth)
	sameJSON(t, path, want)
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", fi.Mode(), err)
	}
	if fi, err := os.Lstat(path); err != nil || fi.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if err := d.erase("https://index.docker.io/v1/"); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, path, before)
	if left, _ := filepath.Glob(filepath.Join(dir, ".config*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func sameJSON(t *testing.T, path, want string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b, a); d != "" {
		t.Error(d)
	}
}

func TestDockerConfigThatDoesNotParseIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", "null", "[]", `{"auths":null}`, `{"auths":3}`, `{"credsStore":{}}`} {
		dir := t.TempDir()
		path := filepath.Join(dir, "config.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (dockerConfig{dir}).store("a.b", "jo", "pw"); !errors.Is(err, images.ErrCorrupt) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", text, err)
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != text {
			t.Errorf("%s became %s, %v", text, raw, err)
		}
	}
}

func TestLoginsAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	d := dockerConfig{t.TempDir()}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := d.store(fmt.Sprintf("host%d.example", i), "jo", "pw"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	raw, err := os.ReadFile(filepath.Join(d.dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), `"auth":`); n != 20 {
		t.Errorf("%d of 20 logins are there", n)
	}
}

// helperScript stands for docker-credential-test: it keeps one secret in a file.
const helperScript = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
case $1 in
store) cat >secret ;;
get) [ -f secret ] && cat secret || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm -f secret ;;
esac
`

func TestLoginWithHelper(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-test"), []byte(helperScript), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	d := &door{user: "jo", password: "pw"}
	s := serve(t, d.guard)
	s.upload(t, "team/app:1", paint(t, here, 10))
	path := filepath.Join(dir, "config.json")
	for _, config := range []string{`{"credsStore":"test"}`, fmt.Sprintf(`{"credsStore":"absent","credHelpers":{%q:"test"}}`, s.host)} {
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, Config{DockerDir: dir})
		if _, err := c.Login(t.Context(), s.host, "jo", "pw"); err != nil {
			t.Fatal(err)
		}
		if raw, err := os.ReadFile(path); err != nil || !strings.Contains(string(raw), fmt.Sprintf("%q: {}", s.host)) || strings.Contains(string(raw), "auth\":") {
			t.Errorf("%s, %v", raw, err)
		}
		if _, err := c.Resolve(t.Context(), s.ref(t, "team/app:1"), here); err != nil {
			t.Errorf("with the helper's credentials: %v", err)
		}
		if err := c.Logout(s.host); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(bin, "secret")); err == nil {
			t.Error("the helper still has the secret")
		}
		if err := c.Logout(s.host); !errors.Is(err, images.ErrNotFound) {
			t.Errorf("second logout: %v", err)
		}
	}
	if err := os.WriteFile(path, []byte(`{"credsStore":"absent"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(t, Config{DockerDir: dir}).Login(t.Context(), s.host, "jo", "pw"); err == nil || !strings.Contains(err.Error(), "credential helper absent") {
		t.Errorf("a helper that is missing: %v", err)
	}
}

func TestCredentialsOfPodman(t *testing.T) {
	home, run := t.TempDir(), t.TempDir()
	for k, v := range map[string]string{"HOME": home, "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": run, "DOCKER_CONFIG": filepath.Join(home, ".docker"), "REGISTRY_AUTH_FILE": ""} {
		t.Setenv(k, v)
	}
	d := &door{user: "jo", password: "pw"}
	s := serve(t, d.guard)
	s.upload(t, "team/app:1", paint(t, here, 10))
	auth := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, s.host, base64.StdEncoding.EncodeToString([]byte("jo:pw")))
	for _, path := range []string{
		filepath.Join(run, "containers/auth.json"), filepath.Join(home, ".config/containers/auth.json"), filepath.Join(home, "named.json"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(auth), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "named.json") {
			t.Setenv("REGISTRY_AUTH_FILE", path)
		}
		// Docker's own file, about other registries, must not hide podman's.
		if err := (dockerConfig{filepath.Join(home, ".docker")}).store("other.example", "a", "b"); err != nil {
			t.Fatal(err)
		}
		c := New(Config{})
		if _, err := c.Resolve(t.Context(), s.ref(t, "team/app:1"), here); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		c.Close()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// A registry on TLS with a certificate that nobody signed: refused by its name,
// accepted when the user says so and on loopback.
func TestCertificates(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.upload(t, "app:1", paint(t, here, 10))
	secure := httptest.NewUnstartedServer(s.Server.Config.Handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	host := strings.TrimPrefix(secure.URL, "https://")
	ref, err := images.ParseRef(host + "/app:1")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Config{})
	if _, err := c.Resolve(t.Context(), ref, here); err != nil {
		t.Errorf("on loopback: %v", err)
	}
	c = newClient(t, Config{Registries: map[string]Registry{host: {HTTP: true}}})
	if _, err := c.Resolve(t.Context(), ref, here); !errors.Is(err, images.ErrUnavailable) {
		t.Errorf("http only: %v", err)
	}
	_, err = tls.Dial("tcp", host, &tls.Config{ServerName: "x"})
	ep := endpoint{host: "reg.example", title: "reg.example"}
	if got := ep.explain(t.Context(), err, "app"); !errors.Is(got, images.ErrUnavailable) ||
		!strings.Contains(got.Error(), `the certificate of reg.example is not trusted`) || !strings.Contains(got.Error(), `insecure = true under [registries."reg.example"]`) {
		t.Errorf("got %v", got)
	}
}
