package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"kejitong/provider/audit"
)

// sealTrail chains new audit rows every second, writes down where the chain ends
// every minute, and seals what is left when the service stops.
func (a *app) sealTrail(ctx context.Context) {
	seal, note := time.NewTicker(time.Second), time.NewTicker(time.Minute)
	defer seal.Stop()
	defer note.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			a.extendTrail(last)
			return
		case <-seal.C:
			a.extendTrail(ctx)
		case <-note.C:
			if err := a.noteTrail(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("audit checkpoint", "error", err)
			}
		}
	}
}

func (a *app) extendTrail(ctx context.Context) {
	if _, err := a.chain.Extend(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("seal the audit trail", "error", err)
	}
}

// noteTrail appends a checkpoint to the file of the configuration.
func (a *app) noteTrail(ctx context.Context) error {
	path := a.cfg.Audit.CheckpointFile
	if path == "" {
		return nil
	}
	p, ok, err := a.chain.Checkpoint(ctx)
	if err != nil || !ok {
		return err
	}
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// readCheckpoints reads what noteTrail wrote. A line that a crash cut short is no
// checkpoint and is left out.
func readCheckpoints(path string) (out []audit.Checkpoint, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var p audit.Checkpoint
		if json.Unmarshal(lines.Bytes(), &p) == nil && p.Seq > 0 {
			out = append(out, p)
		}
	}
	return out, lines.Err()
}
