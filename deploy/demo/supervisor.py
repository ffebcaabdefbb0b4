"""Keeps the demo's programs running: starts them, restarts each that ends, stops them all."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from deploy.servers import processes

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a restart
STEADY_AFTER = 30.0  # seconds: a program that ran so long gets the shortest pause again
GRACE = 10.0  # seconds that programs have to end by themselves


@dataclass(frozen=True)
class Program:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass
class Running:
    program: Program
    process: subprocess.Popen[bytes]
    since: float
    pause: float = SHORTEST_PAUSE
    back_at: float | None = None  # when it is started again; None while it runs


@dataclass
class Supervisor:
    """Programs of one project folder; pids and logs lie in ``notes``. To be used from the main thread only."""

    project: Path
    notes: Path
    say: Callable[[str], None]
    programs: dict[str, Running] = field(default_factory=dict)

    def start(self, program: Program) -> None:
        self.programs[program.name] = Running(program, self._spawn(program), time.monotonic())

    def check(self) -> bool:
        """Look once at every program and restart each that is due. Return True where any was started."""
        now = time.monotonic()
        started = False
        for running in self.programs.values():
            if running.back_at is None and (code := running.process.poll()) is not None:
                self._schedule_restart(running, code, now)
            if running.back_at is not None and now >= running.back_at:
                running.process, running.since, running.back_at = self._spawn(running.program), now, None
                self.say(f"{running.program.name} is back (process {running.process.pid}).")
                started = True
        if started:
            self.note_pids()
        return started

    def stop(self) -> None:
        """End all programs, the last started first; kill those still running after the grace."""
        for running in reversed(self.programs.values()):
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE
        for running in self.programs.values():
            processes.stop(running.process, signal.SIGTERM, seconds=max(0.1, until - time.monotonic()))
            processes.forget(self.notes, running.program.name)
        self.programs.clear()

    def run(self, program: Program) -> None:
        """Run a program to its end and repeat its output. Raise RuntimeError with the end of its log where it fails."""
        log = self.log(program.name)
        log.write_text("")
        process = self._spawn(program)
        try:
            with log.open(errors="replace") as said:
                while (code := process.poll()) is None:
                    self._repeat(said)
                    time.sleep(0.1)
                self._repeat(said)
            if code:
                raise RuntimeError(f"{program.name} failed ({log}):\n{log.read_text(errors='replace')[-3000:]}")
        finally:
            processes.stop(process, signal.SIGTERM, seconds=GRACE)
            processes.forget(self.notes, program.name)

    def _repeat(self, said: TextIO) -> None:
        for line in said:
            self.say(f"  {line.rstrip()}")

    def note_pids(self) -> None:
        """Write the pids of all programs to pids.json, for people and tests that kill one."""
        pids = {name: running.process.pid for name, running in self.programs.items()}
        draft = self.notes / "pids.json.new"
        draft.write_text(json.dumps(pids, indent=1))
        draft.replace(self.notes / "pids.json")

    def log(self, name: str) -> Path:
        return self.notes / f"{name}.log"

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        process = processes.start(
            program.command,
            log=self.log(program.name),
            last_signal=signal.SIGTERM,
            environment=program.environment,
            folder=self.project,
        )
        processes.remember(process, self.notes, program.name)
        return process

    def _schedule_restart(self, running: Running, code: int, now: float) -> None:
        steady = now - running.since >= STEADY_AFTER
        running.pause = SHORTEST_PAUSE if steady else min(running.pause * 2, LONGEST_PAUSE)
        running.back_at = now + running.pause
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        self.say(
            f"{running.program.name} {how}; it is started again in {running.pause:.1f} s. Its log: "
            f"{self.log(running.program.name)}"
        )
