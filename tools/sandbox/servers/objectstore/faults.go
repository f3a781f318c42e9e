package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// fault fails uploads on purpose: after so many further uploads the next ones are refused, and then all is well again.
type fault struct {
	AfterUploads int `json:"afterUploads"`
	Status       int `json:"status"`
	Times        int `json:"times"`
}

type faults struct {
	lock    sync.Mutex
	current fault
}

func (f *faults) get(w http.ResponseWriter, _ *http.Request) {
	f.lock.Lock()
	defer f.lock.Unlock()
	answer(w, http.StatusOK, f.current)
}

func (f *faults) set(w http.ResponseWriter, r *http.Request) {
	wanted := fault{Status: http.StatusServiceUnavailable, Times: 1}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		refuse(w, http.StatusBadRequest, "parseError", err.Error())
		return
	}
	if wanted.AfterUploads < 0 || wanted.Times < 0 || wanted.Status < 400 || wanted.Status > 599 {
		refuse(w, http.StatusBadRequest, "invalid", "afterUploads and times are 0 or more, status is 400 to 599")
		return
	}
	f.lock.Lock()
	f.current = wanted
	f.lock.Unlock()
	f.get(w, r)
}

func (f *faults) clear(w http.ResponseWriter, r *http.Request) {
	f.lock.Lock()
	f.current = fault{}
	f.lock.Unlock()
	f.get(w, r)
}

// guard counts the request as an upload, and refuses it where a fault says so.
func (f *faults) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status := f.count(); status != 0 {
			refuse(w, status, "sandboxFault", fmt.Sprintf("this upload was made to fail by POST /_sandbox/faults (status %d)", status))
			return
		}
		next(w, r)
	}
}

func (f *faults) count() int {
	f.lock.Lock()
	defer f.lock.Unlock()
	switch {
	case f.current.AfterUploads > 0:
		f.current.AfterUploads--
		return 0
	case f.current.Times > 0:
		f.current.Times--
		return f.current.Status
	default:
		return 0
	}
}
