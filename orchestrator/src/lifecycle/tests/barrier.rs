//! What makes a barrier fail.

use super::*;

#[test]
fn a_driver_that_turns_out_to_speak_another_protocol_stops_the_start() {
    let mut life = life();
    let unknown = NodeFacts { protocol: Protocol::Unknown, ..node("a", Some(1)) };
    life.trigger(std::slice::from_ref(&unknown)).unwrap();
    assert_eq!(without_notes(life.step(at(0), &[unknown], &[])), [Effect::PublishConfig { revision: 1 }]);
    let older = NodeFacts { protocol: Protocol::Registered(Some(1)), ..says("a", DriverState::Ready, None) };
    let effects = without_notes(life.step(at(100), &[older], &[]));
    let Effect::Answer(Err(error)) = &effects[1] else { panic!("{effects:?}") };
    let expected = "driver a speaks protocol 1, this orchestrator 2: install the same version on both";
    assert_eq!(error.to_string(), expected);
}
