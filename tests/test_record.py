import copy
import pickle
from dataclasses import dataclass

import pytest

from resolver.record import Record, as_dict, field


class Point(Record):
    x: int
    y: int = 2
    tags: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Twin:
    x: int
    y: int = 2


def test_record_shows_and_compares_as_a_dataclass_does():
    assert repr(Point(1)) == "Point(x=1, y=2, tags=[])"
    assert Point(1) == Point(x=1, y=2, tags=[])
    assert Point(1) != Point(2)
    assert Point(1) != Twin(1)
    assert repr(Twin(1)).replace("Twin", "Point") == repr(Point(1)).replace(", tags=[]", "")


def test_record_default_factory_is_made_anew():
    assert Point(1).tags is not Point(1).tags


def test_record_is_frozen_and_has_no_other_attributes():
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 3
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    assert not hasattr(point, "__dict__")


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, 2, [], 4), {}), ((1,), {"z": 1}), ((1,), {"x": 1})])
def test_record_wrong_fields_are_a_type_error(args, kwargs):
    with pytest.raises(TypeError, match="Point"):
        Point(*args, **kwargs)


def test_record_survives_copy_pickle_and_match():
    point = Point(1, tags=["a"])
    assert copy.deepcopy(point) == pickle.loads(pickle.dumps(point)) == point
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_record_hash_follows_the_fields():
    assert hash(Point(1, 2, ())) == hash(Point(1, 2, ()))
    with pytest.raises(TypeError):
        hash(Point(1))


def test_record_replaced_changes_only_what_is_named():
    assert as_dict(Point(1).replaced(y=5)) == {"x": 1, "y": 5, "tags": []}
    with pytest.raises(TypeError):
        Point(1).replaced(z=1)
