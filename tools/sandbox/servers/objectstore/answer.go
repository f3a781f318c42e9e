package main

import (
	"encoding/json"
	"net/http"
)

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers as the JSON API does, so that clients find the reason: https://cloud.google.com/storage/docs/json_api/v1/status-codes
func refuse(w http.ResponseWriter, status int, reason, message string) {
	answer(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": message,
		"errors": []map[string]string{{"domain": "global", "reason": reason, "message": message}},
	}})
}
