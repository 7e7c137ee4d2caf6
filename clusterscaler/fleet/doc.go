// Package fleet says what to believe of a cloud, by the same rules for every cloud: which nodes are of a group, how large a
// group is when what the cloud says contradicts what stands, which nodes are on their way, late, failed or given up, and how
// long a group rests after a failure.
//
//	Observe (driver) -> Judge -> plan.Decide, which asks Await -> SetTarget, Terminate (driver)
//
// A driver keeps nothing that a decision rests on: it says what its cloud says now (Group), and does what it is told (Resize,
// Termination). All that must be known of the loops before stands in Memory, which goes in and comes out.
//
// For an Auto Scaling group of AWS, as an example: min, max and desired size are Min, Max and Target; each instance has its
// lifecycle state (Pending is Creating, InService is Running, Terminating is Deleting) and its provider ID, which is that of
// its node; the last failed activity is Failure, with its time and the class that the driver reads from its text; addresses
// that are left in the subnets are Room.
//
// It guarantees that a missing number is never zero: a group whose size or bounds are not known stands still. No size is
// lowered below the nodes that stand, or the instances that are well.
package fleet
