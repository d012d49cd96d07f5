"""Opening a store, its schema, and what is said when it cannot be used."""

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError, ProgrammingError

from postgres import Postgres
from profile_export.errors import Refused
from profile_export.service.store import Store, migrate, open_store, sandboxes
from profile_export.service.store.database import StoreAway, clock, upsert
from profile_export.service.store.tables import counters, metadata


def tables(store: Store) -> set[str]:
    return set(sa.inspect(store.engine).get_table_names())


class TestSchema:
    def test_a_fresh_store_is_what_the_code_says(self, store: Store) -> None:
        with store.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
        assert tables(store) == {*metadata.tables, "alembic_version"}

    def test_opening_again_changes_nothing(self, store: Store, store_url: str) -> None:
        with store.write() as connection:
            sandboxes.ensure(connection, "o", "s")
        migrate.upgrade(store.engine)
        open_store(store_url).close()
        with store.read() as connection:
            assert sandboxes.find_id(connection, "o", "s") is not None
            assert migrate.revision(connection) == head()

    def test_several_processes_open_one_empty_store(self, empty_url: str) -> None:
        code = (
            "import sys; from profile_export.service.store import open_store as o; o(sys.argv[1])"
        )
        started = [
            subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE)
            for _ in range(4)
        ]
        said = [process.communicate(timeout=240)[1].decode() for process in started]
        assert [process.returncode for process in started] == [0] * 4, said
        store = open_store(empty_url)
        assert tables(store) == {*metadata.tables, "alembic_version"}
        store.close()

    def test_a_migration_that_is_broken_off_leaves_nothing(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, made = op.create_table, []

        def broken_off(name: str, *columns: sa.Column[object]) -> None:
            made.append(name)
            if len(made) == 6:
                raise KeyboardInterrupt
            whole(name, *columns)

        with monkeypatch.context() as patched:
            patched.setattr(op, "create_table", broken_off)
            with pytest.raises(KeyboardInterrupt):
                open_store(empty_url)
        engine = sa.create_engine(empty_url.replace("postgresql:", "postgresql+psycopg:"))
        assert sa.inspect(engine).get_table_names() == []
        engine.dispose()
        open_store(empty_url).close()

    def test_a_store_of_a_later_version_is_left_alone(self, store: Store, store_url: str) -> None:
        with store.write() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(Refused) as refused:
            open_store(store_url)
        assert [problem.code for problem in refused.value.problems] == ["store-too-new"]
        assert "9999" in str(refused.value)


def head() -> str | None:
    return ScriptDirectory.from_config(migrate.configuration()).get_current_head()


class TestUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "", "x", "sqlite://", "sqlite:///:memory:", "mysql://h/d", "sqlite+nothing:///f",
            "postgresql+nothing://h/d", "postgresql://h:port/d", "/srv/store.db",
        ],
    )  # fmt: skip
    def test_bad_urls(self, url: str) -> None:
        with pytest.raises(Refused) as refused:
            open_store(url)
        (problem,) = refused.value.problems
        assert (problem.code, problem.parameter) == ("bad-store-url", "--store")

    def test_the_password_is_not_shown(self) -> None:
        with pytest.raises(StoreAway) as away:
            open_store("postgresql://me:sEcret@127.0.0.1:1/jobs?sslpassword=sEcret")
        assert "me:***@127.0.0.1:1/jobs" in str(away.value)
        assert "sEcret" not in str(away.value)

    def test_a_wrong_password(self, own_postgres: Postgres) -> None:
        hba = own_postgres.folder / "data" / "pg_hba.conf"
        own_postgres.do("CREATE ROLE somebody LOGIN PASSWORD 'right'")
        hba.write_text("host all tests all trust\nhost all all all scram-sha-256\n")
        own_postgres.stop()
        own_postgres.start()
        place = f"127.0.0.1:{own_postgres.port}/postgres"
        with pytest.raises(StoreAway, match="refuses this user and password") as away:
            open_store(f"postgresql://somebody:wr0ng@{place}")
        assert "wr0ng" not in str(away.value)
        with pytest.raises(StoreAway, match="refuses its user the right"):
            open_store(f"postgresql://somebody:right@{place}")

    def test_no_such_database(self, postgres: Postgres) -> None:
        with pytest.raises(StoreAway, match="has no database of this name"):
            open_store(postgres.url("nowhere"))

    def test_a_server_with_no_connection_left(self, own_postgres: Postgres) -> None:
        own_postgres.do("CREATE ROLE somebody LOGIN CONNECTION LIMIT 0")
        with pytest.raises(StoreAway, match="no connection left") as away:
            open_store(f"postgresql://somebody@127.0.0.1:{own_postgres.port}/postgres")
        assert away.value.code == "store-away"
        own_postgres.do("ALTER DATABASE postgres CONNECTION LIMIT 0")
        own_postgres.do("ALTER ROLE somebody CONNECTION LIMIT -1")
        with pytest.raises(StoreAway, match="no connection left"):
            open_store(f"postgresql://somebody@127.0.0.1:{own_postgres.port}/postgres")

    def test_a_server_that_says_nothing_is_given_up(self) -> None:
        import socket

        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            with pytest.raises(StoreAway, match="cannot be reached"):
                open_store(f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=2")


@pytest.fixture
def keeps(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Makes an empty database, whose stores have less patience; gives its URL."""
    name = postgres.create()

    def url(**seconds: float) -> str:
        for setting, value in seconds.items():
            monkeypatch.setattr(f"profile_export.service.store.connections.{setting}", value)
        return postgres.url(name)

    yield url
    postgres.drop(name)


class TestAway:
    def test_the_server_is_stopped(self, own_postgres: Postgres) -> None:
        store = open_store(own_postgres.url("postgres"))
        with store.write() as connection:
            sandbox_id = sandboxes.ensure(connection, "o", "s")
        own_postgres.stop()
        for transaction in (store.read, store.write):
            with pytest.raises(StoreAway) as away, transaction() as connection:
                sandboxes.find_id(connection, "o", "s")
            assert str(own_postgres.port) not in str(away.value)  # clients of the API see this
        own_postgres.start()
        with store.read() as connection:
            assert sandboxes.find_id(connection, "o", "s") == sandbox_id
        store.close()

    def test_it_stops_within_a_transaction(self, own_postgres: Postgres) -> None:
        store = open_store(own_postgres.url("postgres"))
        with pytest.raises(StoreAway), store.write() as connection:
            sandboxes.ensure(connection, "o", "s")
            own_postgres.stop()  # the commit fails
        own_postgres.start()
        with store.read() as connection:
            assert sandboxes.find_id(connection, "o", "s") is None
        with pytest.raises(StoreAway), store.write() as connection:
            own_postgres.stop()
            sandboxes.ensure(connection, "o", "s")
        own_postgres.start()
        with pytest.raises(StoreAway), store.write() as connection:
            sandboxes.ensure(connection, "o", "s")
            own_postgres.stop()
            raise LookupError  # the rollback fails
        store.close()

    def test_the_server_is_a_standby_by_now(self, own_postgres: Postgres) -> None:
        """After a failover the same address may lead to a server that only follows another."""
        store = open_store(own_postgres.url("postgres"))
        with store.write() as connection:
            sandbox_id = sandboxes.ensure(connection, "o", "s")
        own_postgres.stop()
        (own_postgres.folder / "data" / "standby.signal").touch()
        own_postgres.start()
        for _ in range(2):
            with store.read() as connection:
                assert sandboxes.find_id(connection, "o", "s") == sandbox_id
            with pytest.raises(StoreAway, match="standby") as away, store.write() as connection:
                sandboxes.changed(connection, sandbox_id)
            assert away.value.code == "store-read-only"
        store.close()

    def test_the_server_was_told_to_write_nothing(self, own_postgres: Postgres) -> None:
        store = open_store(own_postgres.url("postgres"))
        own_postgres.do("ALTER DATABASE postgres SET default_transaction_read_only = on")
        store.engine.dispose()
        with store.read() as connection:
            assert sandboxes.find_id(connection, "o", "s") is None
        with pytest.raises(StoreAway, match="set so"), store.write() as connection:
            sandboxes.ensure(connection, "o", "s")
        store.close()

    def test_the_file_may_not_be_written(self, store_file: Path) -> None:
        store = open_store(f"sqlite:///{store_file}")
        with (
            pytest.raises(StoreAway, match="may only be read") as away,
            store.write() as connection,
        ):
            connection.exec_driver_sql("PRAGMA query_only = ON")
            sandboxes.ensure(connection, "o", "s")
        assert away.value.code == "store-read-only"
        assert str(store_file) not in str(away.value)
        store.close()

    @pytest.mark.parametrize("by", ["nothing", "an empty file", "another store"])
    def test_the_file_is_replaced_while_it_is_open(
        self, store_file: Path, migrated_file: Path, by: str
    ) -> None:
        """What is written to a file that has no name would be lost without a word."""
        store = open_store(f"sqlite:///{store_file}")
        with store.write() as connection:
            sandbox_id = sandboxes.ensure(connection, "o", "s")
        aside = store_file.with_name("aside")
        store_file.rename(aside)
        if by == "an empty file":
            store_file.touch()
        elif by == "another store":
            shutil.copy(migrated_file, store_file)
        there = sorted(store_file.parent.iterdir())
        for transaction in (store.read, store.write):
            with pytest.raises(StoreAway, match="removed or replaced") as away, transaction():
                pass
            assert away.value.code == "store-gone"
            assert str(store_file) not in str(away.value)
        assert sorted(store_file.parent.iterdir()) == there
        aside.rename(store_file)
        with store.read() as connection:
            assert sandboxes.find_id(connection, "o", "s") == sandbox_id
        store.close()

    def test_the_disk_is_full(self, store_file: Path) -> None:
        store = open_store(f"sqlite:///{store_file}")
        with pytest.raises(StoreAway, match="disk is full") as away, store.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            for number in range(1000):
                sandboxes.ensure(connection, "o" * 1000, str(number))
        assert away.value.code == "store-full"
        with store.read() as connection:
            assert sandboxes.find_id(connection, "o" * 1000, "0") is None
        store.close()

    @pytest.mark.parametrize(
        "content", [b"no database, but longer than a header" * 100, b"\0" * 50]
    )
    def test_another_file(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "notes.txt"
        file.write_bytes(content)
        with pytest.raises(StoreAway, match=r"notes\.txt is no SQLite database") as away:
            open_store(f"sqlite:///{file}")
        assert away.value.code == "store-broken"
        assert file.read_bytes() == content

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StoreAway, match="its folder must exist"):
            open_store(f"sqlite:///{tmp_path}/nowhere/store.db")

    def test_another_writer_keeps_it(
        self, store_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("profile_export.service.store.connections.BUSY_SECONDS", 0.2)
        store = open_store(f"sqlite:///{store_file}")
        other = sqlite3.connect(store_file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreAway, match="written by another process"), store.write():
            pass
        with store.read() as connection:  # readers do not wait
            assert sandboxes.find_id(connection, "o", "s") is None
        other.execute("ROLLBACK")
        other.close()
        store.close()

    def test_another_keeps_a_table(self, keeps: Callable[..., str]) -> None:
        store = open_store(keeps(BUSY_SECONDS=0.2))
        with store.write() as other:
            other.execute(sa.text("LOCK TABLE sandboxes IN ACCESS EXCLUSIVE MODE"))
            for transaction in (store.read, store.write):
                with (
                    pytest.raises(StoreAway, match="written by another process"),
                    transaction() as connection,
                ):
                    sandboxes.find_id(connection, "o", "s")
        store.close()

    def test_who_stops_within_a_transaction_holds_nobody_up(
        self, keeps: Callable[..., str]
    ) -> None:
        """A paused worker, or one whose machine is gone: PostgreSQL would keep its rows locked."""
        store = open_store(keeps(IDLE_SECONDS=0.2))
        with store.write() as connection:
            sandbox_id = sandboxes.ensure(connection, "o", "s")
        with pytest.raises(StoreAway), store.write() as paused:
            sandboxes.changed(paused, sandbox_id)
            with store.write() as other:
                sandboxes.changed(other, sandbox_id)
            sandboxes.changed(paused, sandbox_id)
        store.close()

    def test_setting_up_waits_for_whoever_does_it(self, keeps: Callable[..., str]) -> None:
        store = open_store(keeps(BUSY_SECONDS=0.2))
        with store.write() as connection:
            migrate.alone(connection)
            assert connection.execute(sa.text("SHOW lock_timeout")).scalar_one() == "0"
        with store.write() as connection:
            assert connection.execute(sa.text("SHOW lock_timeout")).scalar_one() == "200ms"
        store.close()

    def test_a_fault_of_ours_stays_one(self, store: Store) -> None:
        with pytest.raises((OperationalError, ProgrammingError)), store.read() as connection:
            connection.execute(sa.text("SELECT * FROM no_such_table"))


class TestTransactions:
    def test_a_reader_sees_one_moment(self, store: Store) -> None:
        with store.read() as first:
            assert sandboxes.find_id(first, "o", "s") is None
            with store.write() as second:
                sandboxes.ensure(second, "o", "s")
            assert sandboxes.find_id(first, "o", "s") is None
        with store.read() as first:
            assert sandboxes.find_id(first, "o", "s") is not None

    def test_a_reader_cannot_write_on_postgresql(self, store: Store) -> None:
        if store.engine.dialect.name == "postgresql":
            with pytest.raises(StoreAway), store.read() as connection:
                sandboxes.ensure(connection, "o", "s")

    def test_what_a_writer_reads_stays_true(self, store: Store) -> None:
        """A hundred additions by four threads: none is lost."""
        from concurrent.futures import ThreadPoolExecutor

        def add(_: int) -> None:
            with store.write() as connection:
                values = {"name": "n", "labels": "{}", "value": 1.0}
                grown = {"value": counters.c.value + 1}
                upsert(connection, counters, values, change=grown)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(100)))
        with store.read() as connection:
            assert connection.execute(sa.select(counters.c.value)).scalar_one() == 100

    def test_the_servers_own_isolation_does_not_matter(self, own_postgres: Postgres) -> None:
        """Where it is stricter, one of two writers would be told that the store is away."""
        own_postgres.do("ALTER DATABASE postgres SET default_transaction_isolation = serializable")
        store = open_store(own_postgres.url("postgres"))
        self.test_what_a_writer_reads_stays_true(store)
        store.close()

    def test_an_error_undoes_all(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError), store.write() as connection:
            sandboxes.ensure(connection, "o", "s")
            raise ZeroDivisionError
        with store.read() as connection:
            assert sandboxes.find_id(connection, "o", "s") is None

    def test_the_clock_is_ours(self, store: Store) -> None:
        with store.read() as connection:
            before, told, after = time.time(), clock(connection), time.time()
        assert before - 5 < told / 1000 < after + 5


class TestSandboxes:
    def test_the_same_is_made_once(self, store: Store) -> None:
        from concurrent.futures import ThreadPoolExecutor

        def ensure(_: int) -> int:
            with store.write() as connection:
                return sandboxes.ensure(connection, "o", "s")

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(ensure, range(8)))) == 1

    def test_a_catalog_that_was_not_committed_is_not_kept(self, store: Store) -> None:
        with store.write() as connection:
            sandbox_id = sandboxes.ensure(connection, "o", "s")
        with store.read() as connection:
            before = sandboxes.catalog(connection, sandbox_id)
            assert sandboxes.catalog(connection, sandbox_id) is before
        with pytest.raises(ZeroDivisionError), store.write() as connection:
            sandboxes.changed(connection, sandbox_id)
            assert sandboxes.catalog(connection, sandbox_id) is not before
            raise ZeroDivisionError
        with store.read() as connection:
            assert sandboxes.catalog(connection, sandbox_id) is before


@pytest.fixture
def store_file(tmp_path: Path, migrated_file: Path) -> Path:
    return Path(shutil.copy(migrated_file, tmp_path / "store.db"))
