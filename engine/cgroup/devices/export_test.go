package devices

// Run interprets the compiled program for one request, as the kernel would.
func (s Set) Run(kind byte, major, minor int64, want Access) bool {
	context := map[int16]uint32{0: uint32(want)<<16 | devChar, 4: uint32(major), 8: uint32(minor)}
	if kind == 'b' {
		context[0] = uint32(want)<<16 | devBlock
	}
	p := s.program()
	var reg [11]uint32
	for pc := 0; ; pc++ {
		in := p[pc]
		jump := false
		switch in.op {
		case opLoadW:
			reg[in.dst] = context[in.off]
		case opMov32:
			reg[in.dst] = uint32(in.imm)
		case opMov32X:
			reg[in.dst] = reg[in.src]
		case opAnd32:
			reg[in.dst] &= uint32(in.imm)
		case opShr32:
			reg[in.dst] >>= uint32(in.imm)
		case opJne32:
			jump = reg[in.dst] != uint32(in.imm)
		case opJset32:
			jump = reg[in.dst]&uint32(in.imm) != 0
		case opJa:
			jump = true
		case opExit:
			return reg[r0] == 1
		default:
			panic("unknown instruction")
		}
		if jump {
			pc += int(in.off)
		}
	}
}

// LegacyAllows decides as the v1 controller would after the writes for a set,
// coming from another one; an error when v1 cannot express it.
func (s Set) LegacyAllows(from Set, kind byte, major, minor int64, want Access) (bool, error) {
	target, err := s.legacy()
	if err != nil {
		return false, err
	}
	state := legacy{allow: true} // what a child of the root begins with
	if from != nil {
		if state, err = from.legacy(); err != nil {
			return false, err
		}
	}
	state = state.kernel(target.changes(parseLegacy(state.list())))
	request := Rule{Type: kind, Major: major, Minor: minor}
	for _, e := range state.exceptions {
		if !e.covers(request) {
			continue
		}
		if state.allow && e.Access&want != 0 {
			return false, nil
		}
		if !state.allow && want&^e.Access == 0 {
			return true, nil
		}
	}
	return state.allow, nil
}

// kernel applies writes as security/device_cgroup.c does.
func (l legacy) kernel(writes []change) legacy {
	l.exceptions = append([]Rule(nil), l.exceptions...)
	for _, w := range writes {
		allow := w.file == "devices.allow"
		if w.value == "a" {
			l = legacy{allow: allow}
			continue
		}
		r := parseLegacy(w.value).exceptions[0]
		if allow != l.allow {
			l.add(r)
			continue
		}
		for i, e := range l.exceptions {
			if e.sameDevice(r) {
				l.exceptions[i].Access &^= r.Access
			}
		}
	}
	return l
}

// list is what the kernel shows of a state.
func (l legacy) list() string {
	if l.allow {
		return "a *:* rwm\n"
	}
	text := ""
	for _, e := range l.exceptions {
		text += e.String() + "\n"
	}
	return text
}

// LegacyWrites shows the writes from one set to another.
func LegacyWrites(from, to Set) ([]string, error) {
	a, err := from.legacy()
	if err != nil {
		return nil, err
	}
	b, err := to.legacy()
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, c := range b.changes(a) {
		lines = append(lines, c.file+" "+c.value)
	}
	return lines, nil
}
