// A receiver with Go's standard library.   WEBHOOK_SECRET=whsec_… go run receiver.go
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// verify tells whether the body was signed with the key, within the last five minutes.
func verify(key []byte, header http.Header, body []byte) bool {
	id, sent := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sent, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age > tolerance || age < -tolerance {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, sent, body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// While a secret is rotated there are two signatures: one that fits is enough.
	for _, signature := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(signature), []byte(expected)) {
			return true
		}
	}
	return false
}

// keep writes an event to a file that has its id as name, so an event that comes twice is kept once.
// The file is whole and on disk when it gets its name. A unique key of a database does as well.
func keep(inbox, id string, body []byte) error {
	file, err := os.CreateTemp(inbox, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := file.Write(body); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	err = os.Link(file.Name(), filepath.Join(inbox, url.PathEscape(id)+".json"))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	directory, err := os.Open(inbox)
	if err != nil {
		return err
	}
	defer directory.Close()
	return directory.Sync()
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func main() {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil || len(key) == 0 {
		log.Fatal("WEBHOOK_SECRET takes whsec_ and base64")
	}
	inbox := env("INBOX", "inbox")
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/webhooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10<<20))
		if err != nil || r.Method != http.MethodPost || !verify(key, r.Header, body) {
			http.Error(w, "The signature is wrong", http.StatusBadRequest)
			return
		}
		if err := keep(inbox, r.Header.Get("webhook-id"), body); err != nil {
			log.Print(err)
			http.Error(w, "Try again later", http.StatusInternalServerError)
			return
		}
		// The work is done from the files: the sender waits for no more than the write.
		w.WriteHeader(http.StatusNoContent)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+env("PORT", "4000"))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("Listening on http://%s/webhooks", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
