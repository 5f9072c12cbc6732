// SPDX-License-Identifier: MIT
//! Queues of Rust's behind calls that C can make, a run of events each: rust.h is the other side.
use crossbeam_channel as crossbeam;
use crossbeam_queue::ArrayQueue;
use std::ffi::c_void;
use std::sync::mpsc;

trait Queue<T> {
	fn open(capacity: usize, producers: usize) -> Self;
	fn put(&self, producer: usize, event: T) -> bool;
	fn get(&self) -> Option<T>;
}

impl<T> Queue<T> for ArrayQueue<T> {
	fn open(capacity: usize, _producers: usize) -> Self {
		ArrayQueue::new(capacity)
	}

	#[inline(always)]
	fn put(&self, _producer: usize, event: T) -> bool {
		self.push(event).is_ok()
	}

	#[inline(always)]
	fn get(&self) -> Option<T> {
		self.pop()
	}
}

/// Two ends that two sides hold, away from each other.
#[repr(align(128))]
struct End<E>(E);

struct Bounded<T> {
	sender: End<crossbeam::Sender<T>>,
	receiver: End<crossbeam::Receiver<T>>,
}

impl<T> Queue<T> for Bounded<T> {
	fn open(capacity: usize, _producers: usize) -> Self {
		let (sender, receiver) = crossbeam::bounded(capacity);

		Bounded { sender: End(sender), receiver: End(receiver) }
	}

	#[inline(always)]
	fn put(&self, _producer: usize, event: T) -> bool {
		self.sender.0.try_send(event).is_ok()
	}

	#[inline(always)]
	fn get(&self) -> Option<T> {
		self.receiver.0.try_recv().ok()
	}
}

/// A sender is for one thread: each producer has a clone.
struct Mpsc<T> {
	senders: Vec<End<mpsc::Sender<T>>>,
	receiver: End<mpsc::Receiver<T>>,
}

impl<T> Queue<T> for Mpsc<T> {
	fn open(_capacity: usize, producers: usize) -> Self {
		let (sender, receiver) = mpsc::channel();
		let mut senders: Vec<_> = (1..producers).map(|_| End(sender.clone())).collect();

		senders.push(End(sender));
		Mpsc { senders, receiver: End(receiver) }
	}

	#[inline(always)]
	fn put(&self, producer: usize, event: T) -> bool {
		self.senders[producer].0.send(event).is_ok()
	}

	#[inline(always)]
	fn get(&self) -> Option<T> {
		self.receiver.0.try_recv().ok()
	}
}

struct SyncMpsc<T> {
	senders: Vec<End<mpsc::SyncSender<T>>>,
	receiver: End<mpsc::Receiver<T>>,
}

impl<T> Queue<T> for SyncMpsc<T> {
	fn open(capacity: usize, producers: usize) -> Self {
		let (sender, receiver) = mpsc::sync_channel(capacity);
		let mut senders: Vec<_> = (1..producers).map(|_| End(sender.clone())).collect();

		senders.push(End(sender));
		SyncMpsc { senders, receiver: End(receiver) }
	}

	#[inline(always)]
	fn put(&self, producer: usize, event: T) -> bool {
		self.senders[producer].0.try_send(event).is_ok()
	}

	#[inline(always)]
	fn get(&self) -> Option<T> {
		self.receiver.0.try_recv().ok()
	}
}

extern "C" fn open<T, Q: Queue<T>>(capacity: usize, producers: usize) -> *mut c_void {
	Box::into_raw(Box::new(Q::open(capacity, producers))) as *mut c_void
}

unsafe extern "C" fn close<Q>(queue: *mut c_void) {
	drop(Box::from_raw(queue as *mut Q));
}

/// Puts as many of the events as there is room for.
unsafe extern "C" fn put<T: Copy, Q: Queue<T>>(
	queue: *const c_void,
	producer: usize,
	events: *const u64,
	n: usize,
) -> usize {
	let queue = &*(queue as *const Q);
	let events = std::slice::from_raw_parts(events as *const T, n);

	events.iter().position(|&event| !queue.put(producer, event)).unwrap_or(n)
}

/// Takes as many events as there are, at most n.
unsafe extern "C" fn get<T, Q: Queue<T>>(queue: *const c_void, events: *mut u64, n: usize) -> usize {
	let queue = &*(queue as *const Q);
	let events = events as *mut T;

	for i in 0..n {
		match queue.get() {
			Some(event) => events.add(i).write(event),
			None => return i,
		}
	}
	n
}

#[repr(C)]
pub struct Calls {
	open: extern "C" fn(capacity: usize, producers: usize) -> *mut c_void,
	close: unsafe extern "C" fn(queue: *mut c_void),
	put: unsafe extern "C" fn(*const c_void, producer: usize, *const u64, n: usize) -> usize,
	get: unsafe extern "C" fn(*const c_void, *mut u64, n: usize) -> usize,
}

fn calls_of<T: Copy, Q: Queue<T>>() -> Calls {
	Calls { open: open::<T, Q>, close: close::<Q>, put: put::<T, Q>, get: get::<T, Q> }
}

fn calls<T: Copy>(kind: u32) -> Calls {
	match kind {
		0 => calls_of::<T, ArrayQueue<T>>(),
		1 => calls_of::<T, Bounded<T>>(),
		2 => calls_of::<T, Mpsc<T>>(),
		_ => calls_of::<T, SyncMpsc<T>>(),
	}
}

#[no_mangle]
pub extern "C" fn rust_calls(kind: u32, words: u32) -> Calls {
	match words {
		1 => calls::<[u64; 1]>(kind),
		4 => calls::<[u64; 4]>(kind),
		7 => calls::<[u64; 7]>(kind),
		8 => calls::<[u64; 8]>(kind),
		15 => calls::<[u64; 15]>(kind),
		31 => calls::<[u64; 31]>(kind),
		127 => calls::<[u64; 127]>(kind),
		_ => calls::<[u64; 512]>(kind),
	}
}
