// A guest in the way of the original's example for Rust, with further functions that misbehave.
use std::mem::MaybeUninit;

#[link(wasm_import_module = "bento_wasm")]
extern "C" {
    fn v0_msg_as_bytes() -> u64;
    fn v0_msg_set_bytes(at: u32, length: u32);
    fn v0_msg_get_meta(at: u32, length: u32) -> u64;
    fn v0_msg_set_meta(key_at: u32, key_length: u32, at: u32, length: u32);
}

/// What the host handed over, which is ours from then on.
unsafe fn taken(packed: u64) -> String {
    let (at, length) = ((packed >> 32) as usize, packed as u32 as usize);
    String::from_utf8(Vec::from_raw_parts(at as *mut u8, length, length)).unwrap()
}

/// The host deallocates what it is handed.
fn handed(text: &str) -> (u32, u32) {
    let bytes = text.as_bytes().to_vec().into_boxed_slice();
    let length = bytes.len() as u32;
    (Box::into_raw(bytes) as *mut u8 as u32, length)
}

fn body() -> String {
    unsafe { taken(v0_msg_as_bytes()) }
}

fn set_body(text: &str) {
    let (at, length) = handed(text);
    unsafe { v0_msg_set_bytes(at, length) }
}

#[no_mangle]
pub extern "C" fn process() {
    set_body(&(body() + "!!!!111!!11!"))
}

/// Copies the metadata `from` to `to`.
#[no_mangle]
pub extern "C" fn copy_meta() {
    let (from_at, from_length) = handed("from");
    let value = unsafe { taken(v0_msg_get_meta(from_at, from_length)) } + " copied";
    let (key_at, key_length) = handed("to");
    let (at, length) = handed(&value);
    unsafe { v0_msg_set_meta(key_at, key_length, at, length) }
}

/// Misbehaves in the way that the body names.
#[no_mangle]
pub extern "C" fn misbehave() {
    let kind = body();
    set_body("half done");
    match kind.as_str() {
        "loop" => while opaque(1) == 1 {},
        "memory" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        "recurse" => set_body(&depth(1).to_string()),
        "panic" => panic!("on purpose"),
        "outside" => unsafe { v0_msg_set_bytes(u32::MAX - 10, 100) },
        _ => set_body("behaved"),
    }
}

#[allow(unconditional_recursion)]
fn depth(n: u64) -> u64 {
    let deeper = depth(opaque(n) + 1);
    opaque(deeper) ^ opaque(n)
}

/// A value that the compiler cannot know.
fn opaque(n: u64) -> u64 {
    unsafe { std::ptr::read_volatile(&n) }
}

#[no_mangle]
pub extern "C" fn allocate(size: u32) -> *mut u8 {
    let vec: Vec<MaybeUninit<u8>> = vec![MaybeUninit::uninit(); size as usize];
    Box::into_raw(vec.into_boxed_slice()) as *mut u8
}

#[no_mangle]
pub unsafe extern "C" fn deallocate(at: *mut u8, size: u32) {
    drop(Vec::from_raw_parts(at, size as usize, size as usize))
}
