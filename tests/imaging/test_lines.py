"""Who waits for a picture gets the worker that has it, and nobody waits for ever."""

from __future__ import annotations

from imaging.workers.lines import PASSED, Line


class Desk:
    """A seat that has the pictures it is given."""

    def __init__(self, *pictures: str, warm: bool = True) -> None:
        self.pictures = pictures
        self.warm = warm

    def has(self, picture: str) -> bool:
        return picture in self.pictures


class Slip:
    """A ticket that remembers which seat it got."""

    def __init__(self) -> None:
        self.seat: Desk | None = None
        self.gone = False

    def set_result(self, result: Desk, /) -> None:
        assert not self.done()
        self.seat = result

    def done(self) -> bool:
        return self.gone or self.seat is not None


def queued(line: Line[Desk], *pictures: str) -> list[Slip]:
    slips = [Slip() for _ in pictures]
    for picture, slip in zip(pictures, slips, strict=True):
        line.join(picture, slip)
    return slips


def test_the_first_goes_first() -> None:
    desk = Desk()
    line = Line([desk])
    slips = queued(line, "", "a", "b")
    assert [slip.seat for slip in slips] == [desk, None, None]
    for number in (1, 2):
        line.leave(desk)
        assert [slip.seat is not None for slip in slips].count(True) == number + 1
        assert slips[number].seat is desk
    line.leave(desk)
    assert line.free == 1


def test_nobody_waits_for_a_worker_to_start_while_another_is_free() -> None:
    warm, cold = Desk(), Desk("a", warm=False)
    line = Line([warm, cold])
    assert [slip.seat for slip in queued(line, "", "")] == [warm, cold]


def test_a_job_goes_to_the_worker_that_has_its_picture() -> None:
    one, other = Desk("a"), Desk("b")
    line = Line([one, other])
    assert queued(line, "a")[0].seat is one
    line.leave(one)
    assert queued(line, "b")[0].seat is other


def test_a_free_worker_goes_to_who_needs_its_picture_first() -> None:
    desk = Desk("b")
    line = Line([desk])
    _, first, second = queued(line, "x", "a", "b")
    line.leave(desk)
    assert (first.seat, second.seat) == (None, desk)


def test_a_picture_that_is_being_made_is_waited_for() -> None:
    one, other = Desk(), Desk()
    line = Line([one, other])
    maker, waiter, another = queued(line, "a", "a", "b")
    assert waiter.seat is None
    assert another.seat not in (None, maker.seat)
    assert maker.seat is not None
    maker.seat.pictures = ("a",)
    line.leave(maker.seat)
    assert waiter.seat is maker.seat


def test_jobs_without_a_picture_wait_for_no_other() -> None:
    line = Line([Desk(), Desk()])
    assert all(slip.seat for slip in queued(line, "", ""))


def test_only_so_many_go_before_the_first() -> None:
    desk = Desk("b")
    line = Line([desk])
    _, first, *others = queued(line, "x", "a", *["b"] * (PASSED + 1))
    for _ in range(PASSED):
        line.leave(desk)
        assert first.seat is None
    line.leave(desk)
    assert first.seat is desk
    assert sum(slip.seat is not None for slip in others) == PASSED


def test_who_has_gone_gets_nothing() -> None:
    desk = Desk()
    line = Line([desk])
    _, gone, last = queued(line, "", "", "")
    gone.gone = True
    line.leave(desk)
    assert last.seat is desk


def test_it_knows_which_pictures_can_be_had() -> None:
    desk = Desk("kept")
    line = Line([desk])
    assert line.knows("kept")
    assert not line.knows("made")
    queued(line, "made")
    assert line.knows("made")
    assert line.knows("kept")
    assert not line.knows("other")
