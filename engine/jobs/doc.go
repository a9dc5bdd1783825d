// Package jobs does long work, such as a pull, in a process of its own, so that
// it outlives the front end which began it: front ends attach, detach and
// cancel.
//
// # A job
//
//	front end                          job (re-executed, own session)
//	  make jobs/<id>, lock it
//	  write job.json: running
//	  execute, handing over the lock --> job.json: with its pid
//	  <------------------------ "ok" --- ready: signals are caught
//	  ...                                progress.jsonl: what changed, 10 times a second
//	  Follow: inotify on jobs/<id>       job.json: done, failed or canceled
//	                                     ends; the kernel frees the lock
//
// jobs/<id> holds
//
//	job.json        the record: spec, state, process
//	progress.jsonl  one images.Progress per line; the last one of an ID counts
//	job.log         what the process prints, a crash for instance
//	lock            flock'ed as long as the process lives
//
// A job that its record calls running and whose lock nobody holds is lost: its
// process was killed or crashed. The lock is handed over at execution, together
// with the open file that it sits on, so there is no moment between the two
// processes in which a live job looks lost.
//
// Records of jobs are volatile: after a power failure there is no job.
//
// Invariant: only the job's process writes job.json and progress.jsonl once it
// has said that it is ready; others read, signal, or remove the whole directory.
package jobs
