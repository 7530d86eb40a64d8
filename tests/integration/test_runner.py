"""What the runner itself promises to those who read only the end of its log."""
from run import REASON_LINES, summary


def failures(count, lines):
    return [(f"test_{i}", "\n".join([f"why {i}"] + [f"line {n}" for n in range(lines)] + [f"folder {i}"])) for i in range(count)]


def test_every_failure_is_told_at_the_end(env):
    for count in (1, 2, 6, 30):
        lines = summary(failures(count, 60))
        assert len(lines) <= REASON_LINES + 1, (count, lines)
        for i in range(count):
            assert any(f"test_{i}" in line for line in lines), (count, i, lines)
        assert "    why 0" in lines and "    folder 0" in lines, lines
    assert summary(failures(1, 2)) == ["failed: test_0", "    why 0", "    line 0", "    line 1", "    folder 0"]
    assert summary([]) == []
