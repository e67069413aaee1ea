//! Memory for the static server. It is here and not beside the server because only this crate may say `unsafe`.
//!
//! musl's allocator gives memory back to the system at once, which is why an idle server is small again after any
//! load. For buffers of some ten kilobytes, which come and go thousands of times a second, that costs more than the
//! work done in them: each is fetched from the system and zeroed by it. Those, and only those, come from an
//! allocator that keeps what it has. See docs/decisions/0006-static-runtime-binary.md for the figures.

use std::alloc::{GlobalAlloc, Layout, System};

use dlmalloc::GlobalDlmalloc;

/// Smaller than this, musl keeps memory of its own accord.
const SMALLEST: usize = 16 << 10;

/// From here on the system's pages are moved instead of copied when an allocation grows, and kept ones would be many.
const LARGEST: usize = 512 << 10;

/// From here on the system is asked for large pages: fetching a file's worth of small ones takes as long as copying it.
const HUGE: usize = 4 << 20;

/// The size of a large page.
const LARGE_PAGE: usize = 2 << 20;

/// Asks for large pages where whole ones fit into fresh memory. The kernel may have none; then nothing changes.
fn prefer_large_pages(memory: *mut u8, size: usize) {
    if size < HUGE || memory.is_null() {
        return;
    }
    let skipped = memory.addr().next_multiple_of(LARGE_PAGE) - memory.addr();
    let whole = (size - skipped) / LARGE_PAGE * LARGE_PAGE;
    // SAFETY: the range lies within the allocation, and the advice changes nothing that can be read there.
    unsafe { libc::madvise(memory.add(skipped).cast(), whole, libc::MADV_HUGEPAGE) };
}

/// The allocator: musl's, with another one for buffers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory;

/// Whether an allocation is a buffer. It depends on the layout alone, so that what was allocated here is freed here.
fn is_buffer(size: usize) -> bool {
    (SMALLEST..LARGEST).contains(&size)
}

// SAFETY: every call goes to one of two sound allocators, and to the same one for the same layout; growing from one
// to the other copies what both sizes have room for.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_buffer(layout.size()) {
            // SAFETY: the caller's promises are passed on.
            return unsafe { GlobalDlmalloc.alloc(layout) };
        }
        // SAFETY: as above.
        let memory = unsafe { System.alloc(layout) };
        prefer_large_pages(memory, layout.size());
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            if is_buffer(layout.size()) {
                GlobalDlmalloc.alloc_zeroed(layout)
            } else {
                System.alloc_zeroed(layout)
            }
        }
    }

    // SAFETY: the trait's contract is the caller's to keep.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above; the layout leads to the allocator that the memory came from.
        unsafe {
            if is_buffer(layout.size()) {
                GlobalDlmalloc.dealloc(memory, layout)
            } else {
                System.dealloc(memory, layout)
            }
        }
    }

    // SAFETY: the trait's contract is the caller's to keep.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above. Between the allocators the old memory is freed only when there is new, which does not
        // overlap it; the caller promises that `size` makes a valid layout.
        unsafe {
            match (is_buffer(layout.size()), is_buffer(size)) {
                (true, true) => GlobalDlmalloc.realloc(memory, layout, size),
                (false, false) => System.realloc(memory, layout, size),
                _ => {
                    let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
                    if !moved.is_null() {
                        memory.copy_to_nonoverlapping(moved, layout.size().min(size));
                        self.dealloc(memory, layout);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_survives_every_change_of_size() {
        let sizes = [
            1,
            SMALLEST - 1,
            SMALLEST,
            100_000,
            LARGEST - 1,
            LARGEST,
            3 << 20,
            9 << 20,
            50_000,
            10,
            LARGEST,
            20,
        ];
        let layout = |size| Layout::from_size_align(size, 16).unwrap();
        // SAFETY: each pointer is used with the layout that it has at the time, within its size, and freed once.
        unsafe {
            let mut memory = Memory.alloc_zeroed(layout(sizes[0]));
            memory.write(7);
            for pair in sizes.windows(2) {
                memory = Memory.realloc(memory, layout(pair[0]), pair[1]);
                assert!(!memory.is_null());
                assert_eq!(memory.read(), 7, "{pair:?}");
                memory.add(pair[1] - 1).write(9);
                memory.write(7);
            }
            Memory.dealloc(memory, layout(sizes[sizes.len() - 1]));
            for size in sizes {
                let zeroed = Memory.alloc_zeroed(layout(size));
                assert_eq!(zeroed.add(size - 1).read(), 0);
                Memory.dealloc(zeroed, layout(size));
            }
        }
    }
}
