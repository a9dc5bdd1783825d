package local_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gantry/engine"
)

// A root file system comes from the web as from a file. A download that breaks
// leaves no image, and a URL's secrets are not kept.
func TestImportFromURL(t *testing.T) {
	e := open(t)
	tar := boxTar(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut.tar" {
			w.Header().Set("Content-Length", "1000000")
			w.Write(make([]byte, 512))
			return
		}
		tar.Seek(0, 0)
		tar.WriteTo(w)
	}))
	defer s.Close()
	if _, err := e.Images().Import(t.Context(), engine.ImportOptions{URL: s.URL + "/cut.tar", Ref: "cut:1"}); err == nil || !strings.Contains(err.Error(), "of 1000000 bytes") {
		t.Errorf("a download that was cut: %v", err)
	}
	if _, err := e.Images().Inspect(t.Context(), "cut:1"); err == nil {
		t.Error("there is an image of a download that was cut")
	}
	id, err := e.Images().Import(t.Context(), engine.ImportOptions{URL: s.URL + "/root.tar?token=secret", Ref: "web:1"})
	if err != nil {
		t.Fatal(err)
	}
	history, err := e.Images().History(t.Context(), string(id))
	if err != nil || len(history) != 1 || history[0].Comment != "Imported from "+s.URL+"/root.tar" {
		t.Errorf("history %+v, %v", history, err)
	}
}
