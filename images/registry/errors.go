package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gantry/images"
)

// Error is a failure of one registry or mirror, in words for people. It is of
// one of the classes in images/errors.go.
type Error struct {
	Host  string // whose failure it is, as users name it
	What  string // which part of the image: "blob 2d1e975dcc51"; empty for the whole
	Class error  // images.ErrNotFound, …
	Why   string
	Err   error // what lay below, nil when Why tells all

	After time.Duration // how long the registry asked to wait, 0 when it did not
}

func (e *Error) Error() string {
	if e.What == "" {
		return fmt.Sprintf("%v: %s", e.Class, e.Why)
	}
	return fmt.Sprintf("%s: %v: %s", e.What, e.Class, e.Why)
}

// Unwrap makes both the class and the cause visible to errors.Is and As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Class}
	}
	return []error{e.Class, e.Err}
}

func (e endpoint) fail(class error, what, why string, args ...any) *Error {
	return &Error{Host: e.title, What: what, Class: class, Why: fmt.Sprintf(why, args...)}
}

// refuse is an error of a pure function, which knows neither host nor object;
// about adds them.
func refuse(class error, why string, args ...any) error {
	return &Error{Class: class, Why: fmt.Sprintf(why, args...)}
}

func (e endpoint) about(what string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		known.Host, known.What = e.title, what
	}
	return err
}

// explain puts what ggcr, net/http or the registry said into our classes and
// words. It never repeats URLs: those of blob stores carry signatures.
func (e endpoint) explain(ctx context.Context, err error, what string) error {
	var known *Error
	var answer *transport.Error
	var file *fs.PathError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &known):
		return err
	case errors.Is(err, images.ErrCorrupt), errors.Is(err, images.ErrNotFound), errors.As(err, &file):
		return innermost(err) // of our own store, while it was being sent
	case errors.As(err, &answer):
		return e.answered(answer, what, 0)
	}
	why := e.unreachable(err)
	return &Error{Host: e.title, What: what, Class: images.ErrUnavailable, Why: why, Err: err}
}

// answered explains an error that the registry itself sent.
func (e endpoint) answered(a *transport.Error, what string, after time.Duration) error {
	said := quoteAnswer(a)
	out := &Error{Host: e.title, What: what, Err: a}
	switch status := a.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		out.Class = images.ErrUnauthorized
		out.Why = fmt.Sprintf("%s refuses access (%s): it does not exist or needs other credentials, try: gantry login %s", e.title, said, e.title)
	case status == http.StatusNotFound:
		out.Class = images.ErrNotFound
		out.Why = fmt.Sprintf("%s does not have it (%s)", e.title, said)
	case status == http.StatusTooManyRequests:
		out.Class = images.ErrUnavailable
		out.Why = fmt.Sprintf("%s limits how often it may be asked (%s); wait, or log in: gantry login %s", e.title, said, e.title)
	default:
		out.Class = images.ErrUnavailable
		out.Why = fmt.Sprintf("%s answered %s", e.title, said)
	}
	if after > 0 && overloaded(a.StatusCode) {
		out.After = after
		out.Why += fmt.Sprintf("; it asks to come back in %v", after)
	}
	return out
}

// permanent tells whether the same request would fail in the same way again.
func permanent(err error) bool {
	var known *Error
	var answer *transport.Error
	switch {
	case !errors.As(err, &known) || known.Class != images.ErrUnavailable:
		return true
	case errors.As(err, &answer):
		return !overloaded(answer.StatusCode)
	}
	return errors.Is(err, errPlain) || errors.Is(err, errTLS) || errors.Is(err, errRedirect)
}

// quoteAnswer shortens a registry's own words to one printable line.
func quoteAnswer(a *transport.Error) string {
	s := fmt.Sprintf("%d %s", a.StatusCode, http.StatusText(a.StatusCode))
	if len(a.Errors) == 0 {
		return s
	}
	d := a.Errors[0]
	words := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, string(d.Code)+" "+d.Message)
	if r := []rune(words); len(r) > 160 {
		words = string(r[:160]) + "…"
	}
	return s + ", " + strings.TrimSpace(words)
}

// unreachable explains an error that kept the registry from answering.
func (e endpoint) unreachable(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var notTLS tls.RecordHeaderError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("there is no host named %s", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s cannot be resolved (%s)", dns.Name, dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens at %s (connection refused)", e.host)
	case errors.As(err, &authority), errors.As(err, &cert):
		return fmt.Sprintf("the certificate of %s is not trusted (%v); if that is meant to be, set insecure = true under [registries.%q] in config.toml", e.title, innermost(err), e.title)
	case errors.As(err, &notTLS), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s speaks plain http only; to allow that, set http = true under [registries.%q] in config.toml", e.title, e.title)
	case errors.Is(err, errStalled):
		return fmt.Sprintf("%s stopped sending", e.title)
	case errors.Is(err, errPlain):
		return fmt.Sprintf("%s leads to plain http, which is not allowed; to allow it, set http = true under [registries.%q] in config.toml", e.title, e.title)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("%s does not answer in time", e.host)
	}
	return fmt.Sprintf("cannot talk to %s: %v", e.host, innermost(err))
}

// innermost drops the wrappers that repeat method, URL and addresses.
func innermost(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err
}
