;; A guest with the exports that TinyGo gives its own: _start, malloc and free.
(module
  (import "bento_wasm" "v0_msg_as_bytes" (func $as_bytes (result i64)))
  (import "bento_wasm" "v0_msg_set_bytes" (func $set_bytes (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (tag $oops)
  (global $next (mut i32) (i32.const 4096))
  (global $live (mut i32) (i32.const 0))
  (global $started (mut i32) (i32.const 0))
  (data (i32.const 16) "gave up")

  (func (export "_start") (global.set $started (i32.const 1)))

  (func (export "malloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (local.get $size)))
    (global.set $live (i32.add (global.get $live) (i32.const 1)))
    (local.get $at))

  ;; The memory is used again when everything was freed.
  (func (export "free") (param i32)
    (global.set $live (i32.sub (global.get $live) (i32.const 1)))
    (if (i32.eqz (global.get $live)) (then (global.set $next (i32.const 4096)))))

  ;; Letters in upper case; traps unless _start was called.
  (func (export "process")
    (local $packed i64) (local $at i32) (local $end i32) (local $byte i32)
    (if (i32.eqz (global.get $started)) (then unreachable))
    (local.set $packed (call $as_bytes))
    (local.set $at (i32.wrap_i64 (i64.shr_u (local.get $packed) (i64.const 32))))
    (local.set $end (i32.add (local.get $at) (i32.wrap_i64 (local.get $packed))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (if (i32.and (i32.ge_u (local.get $byte) (i32.const 97)) (i32.le_u (local.get $byte) (i32.const 122)))
          (then (i32.store8 (local.get $at) (i32.sub (local.get $byte) (i32.const 32)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (call $set_bytes
      (i32.sub (local.get $end) (i32.wrap_i64 (local.get $packed)))
      (i32.wrap_i64 (local.get $packed))))

  ;; Catches everything and goes on: only a trap ends it.
  (func (export "stubborn")
    (loop $again
      (try (do (loop $inner (br $inner))) (catch_all))
      (br $again)))

  ;; Rounds that are few, and take long.
  (func $bulk (export "bulk")
    (loop $again
      (memory.fill (i32.const 8192) (i32.const 0) (i32.const 65536))
      (br $again)))

  (func (export "quit")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 7))
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $proc_exit (i32.const 3)))

  ;; Writes what WASI says to an attempt to open a file: one digit pair.
  (func (export "open")
    (local $code i32)
    (local.set $code (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 7)
      (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 32)))
    (i32.store8 (i32.const 40) (i32.add (i32.const 48) (i32.div_u (local.get $code) (i32.const 10))))
    (i32.store8 (i32.const 41) (i32.add (i32.const 48) (i32.rem_u (local.get $code) (i32.const 10))))
    (call $set_bytes (i32.const 40) (i32.const 2))))
