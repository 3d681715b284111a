use super::outbox::{MAX_HELD_WORDS, Outbox};
use super::queue::Queue;

#[test]
fn what_is_held_back_is_copied_no_more_often_than_it_doubles() {
    let (queue, outbox) = (Queue::new(), Outbox::new());
    let (mut copies, mut capacity) = (0, 0);
    outbox.hold(0);
    while !outbox.holds_too_much() {
        // SAFETY: this thread is the owner.
        unsafe { outbox.append_slowly([10 << 32, 0, 0, 0, 0, 0, 0, 0], &[0, 0], &queue) }.expect("it is small");
        // The memory is another whenever there is more.
        copies += usize::from(std::mem::replace(&mut capacity, outbox.capacity()) != capacity);
    }
    assert!(copies < 20 && capacity < 2 * MAX_HELD_WORDS, "{copies} copies, {capacity} words");
}
