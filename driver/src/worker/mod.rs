//! One worker's part of a test: the schedule kept, attempts made, windows filled. It knows no actor and no Kafka.
