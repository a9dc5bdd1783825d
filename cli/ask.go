package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"golang.org/x/term"
)

// ask asks a question on the terminal and returns the answer's line, without
// the blanks around it. A signal ends the question: a read from a terminal goes
// on, but nobody waits for it any more.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	return a.answer(ctx, question, func() (string, error) {
		line, err := bufio.NewReader(a.std.In).ReadString('\n')
		return strings.TrimSpace(line), err
	})
}

// askSecret is ask for what must not show. However it ends, what is typed
// afterwards shows again.
func (a *app) askSecret(ctx context.Context, question string) (string, error) {
	fd := int(a.std.In.(fileDescriptor).Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	secret, err := a.answer(ctx, question, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	a.println()
	if ctx.Err() != nil {
		_ = term.Restore(fd, before)
	}
	return secret, err
}

func (a *app) answer(ctx context.Context, question string, read func() (string, error)) (string, error) {
	type line struct {
		text string
		err  error
	}
	a.requests.await() // one that nobody catches yet would leave the terminal without an echo
	fmt.Fprint(a.std.Out, question)
	lines := make(chan line, 1)
	go func() {
		text, err := read()
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		return l.text, l.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
