package engine

import "fmt"

// State is where a container stands.
type State string

const (
	Created    State = "created"
	Running    State = "running"
	Paused     State = "paused"
	Restarting State = "restarting"
	Exited     State = "exited"
	Removing   State = "removing"
	Dead       State = "dead" // its record or its removal is broken; only Remove is allowed
)

// moves holds every allowed transition.
var moves = map[State][]State{
	Created:    {Running, Exited, Removing, Dead},
	Running:    {Paused, Restarting, Exited, Removing, Dead},
	Paused:     {Running, Exited, Removing, Dead},
	Restarting: {Running, Exited, Removing, Dead},
	Exited:     {Running, Restarting, Removing, Dead},
	Removing:   {Dead},
	Dead:       {Removing},
}

// Move returns the error that a transition from s to next meets, nil when it
// is allowed.
func (s State) Move(next State) error {
	for _, n := range moves[s] {
		if n == next {
			return nil
		}
	}
	return &MoveError{From: s, To: next}
}

// Live tells whether the container has processes.
func (s State) Live() bool { return s == Running || s == Paused }

// MoveError is a transition that the lifecycle does not have. It is ErrConflict.
type MoveError struct{ From, To State }

func (e *MoveError) Error() string {
	return fmt.Sprintf("a container that is %s cannot become %s", e.From, e.To)
}
func (e *MoveError) Unwrap() error { return ErrConflict }
