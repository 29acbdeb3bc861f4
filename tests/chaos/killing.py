"""How the tests SIGKILL Redis: so that everything it acknowledged is in its file.

Under `appendfsync everysec` a server keeps what it acknowledges in memory while a background fsync is under way, up to two
seconds on a slow disk, and SIGKILL in that moment loses it (seen on Valkey 9.1 and Redis 7.0; `durability: strict` does not
lose it). The promise for everysec is about all other moments, so the tests kill in one of those.
"""

import redis

from tests.servers import Server


def kill_redis(server: Server) -> None:
    """SIGKILL, while no fsync holds back what was acknowledged."""
    try:
        with redis.Redis(port=server.port, socket_timeout=5) as client:
            # From here on every write is in the file before it is answered; the next start is everysec again.
            client.config_set("appendfsync", "no")
    except redis.RedisError:  # it does not answer, and so acknowledges nothing
        pass
    server.kill()
