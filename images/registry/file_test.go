package registry

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gantry/images"
)

// web is a server of one file.
func web(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestFile(t *testing.T) {
	t.Parallel()
	var secrets []string
	target := web(t, func(w http.ResponseWriter, r *http.Request) {
		secrets = append(secrets, r.Header.Get("Authorization"))
		io.WriteString(w, "content")
	})
	front := web(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, target.URL+"/elsewhere", http.StatusFound)
	})
	f, err := newClient(t, Config{}).File(t.Context(), strings.Replace(front.URL, "://", "://me:secret@", 1)+"/rootfs.tar")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "content" {
		t.Errorf("got %q, %v", b, err)
	}
	if len(secrets) != 1 || secrets[0] != "" {
		t.Errorf("credentials went to another host: %q", secrets)
	}
}

func TestFileFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url    string // of a host that is never asked
		answer http.HandlerFunc
		class  error
		want   []string
	}{
		"not there": {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, class: images.ErrNotFound, want: []string{"404"}},
		"no access": {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, class: images.ErrUnauthorized, want: []string{"403"}},
		"broken":    {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, class: images.ErrUnavailable, want: []string{"500"}},
		"partial":   {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206) }, class: images.ErrUnavailable, want: []string{"206"}},
		"cut": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "short")
		}, class: images.ErrUnavailable, want: []string{"after 5 of 100 bytes"}},
		"stalls": {answer: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, class: images.ErrUnavailable, want: []string{"stopped sending"}},
		"redirect loop": {answer: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, class: images.ErrUnavailable, want: []string{"too many"}},
		"plain http":    {url: "http://me:secret@files.invalid/a?signature=secret", class: images.ErrUnavailable, want: []string{"plain http", "files.invalid"}},
		"no such host":  {url: "https://me:secret@files.invalid/a?signature=secret", class: images.ErrUnavailable, want: []string{"files.invalid"}},
		"another kind":  {url: "ftp://files.invalid/a", want: []string{"not an http or https URL"}},
		"no host":       {url: "https:///a", want: []string{"not an http or https URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := test.url
			if test.answer != nil {
				address = strings.Replace(web(t, test.answer).URL, "://", "://me:secret@", 1) + "/a?signature=secret"
			}
			c := newClient(t, Config{Patience: Patience{Attempts: 2, Backoff: time.Millisecond, Stall: 50 * time.Millisecond}})
			f, err := c.File(t.Context(), address)
			if err == nil {
				_, err = io.ReadAll(f)
				f.Close()
			}
			if err == nil || test.class != nil && !errors.Is(err, test.class) {
				t.Fatalf("error %v, want one of %v", err, test.class)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("a secret is in the error: %v", err)
			}
		})
	}
}
