package cgroup

import "bytes"

// The parsers of the sampler work on bytes and allocate nothing: a workbench
// samples every container each second.

// cut splits at the first separator.
func cut(b []byte, sep byte) (before, after []byte) {
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// number reads the digits at the front. Words ("max") and negative numbers,
// with which the kernel says "no limit", are 0; what does not fit is the
// largest number.
func number(b []byte) uint64 {
	const limit = 1<<64 - 1
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		d := uint64(c - '0')
		if n > (limit-d)/10 {
			return limit
		}
		n = n*10 + d
	}
	return n
}

// decimal reads "12.34".
func decimal(b []byte) float64 {
	whole, fraction := cut(b, '.')
	v, scale := float64(number(whole)), 0.1
	for _, c := range fraction {
		if c < '0' || c > '9' {
			break
		}
		v += scale * float64(c-'0')
		scale /= 10
	}
	return v
}
