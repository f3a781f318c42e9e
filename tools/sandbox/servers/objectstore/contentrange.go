package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// contentRange is what a request of a resumable upload says of the bytes it carries.
type contentRange struct {
	// hasBytes is false for a question about progress, which carries none.
	hasBytes bool
	start    int64
	// openEnd: the bytes go on to the end of the request, and the object with them.
	openEnd bool
	// total is the object's size, or -1 where the client does not know it yet.
	total int64
}

// `bytes 0-9/20` a chunk, `bytes 10-*/20` the rest, `bytes 10-*/*` the rest of unknown size, `bytes */20` and `bytes */*` a question.
var rangeForm = regexp.MustCompile(`^bytes (?:(\d+)-(\d+|\*)|\*)/(\d+|\*)$`)

func parseRange(header string) (contentRange, error) {
	if header == "" {
		return contentRange{hasBytes: true, openEnd: true, total: -1}, nil
	}
	found := rangeForm.FindStringSubmatch(header)
	if found == nil {
		return contentRange{}, fmt.Errorf("invalid Content-Range %q", header)
	}
	sent := contentRange{hasBytes: found[1] != "", openEnd: found[2] == "*", total: -1}
	var err error
	if sent.hasBytes {
		if sent.start, err = strconv.ParseInt(found[1], 10, 64); err != nil {
			return contentRange{}, err
		}
	}
	if found[3] != "*" {
		sent.total, err = strconv.ParseInt(found[3], 10, 64)
	}
	return sent, err
}

// completes tells whether an object of which so many bytes have been received is whole.
func (c contentRange) completes(received int64) bool {
	if c.total >= 0 {
		return received >= c.total
	}
	return c.hasBytes && c.openEnd
}
