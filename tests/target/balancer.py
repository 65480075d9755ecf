"""A load balancer that knows connections only, as one in front of replicas."""

import asyncio
import itertools
import threading
from concurrent.futures import Future
from contextlib import contextmanager, suppress


@contextmanager
def taking_turns(urls):
    """Give the URL of a load balancer that sends each connection to the next of *urls*."""
    ports = itertools.cycle([int(url.rpartition(":")[2]) for url in urls])

    async def pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def serve(reader, writer):
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", next(ports))
        await asyncio.gather(pump(reader, upstream_writer), pump(upstream_reader, writer), return_exceptions=True)

    async def listen():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address.set_result((asyncio.get_running_loop(), server.sockets[0].getsockname()[1]))
        async with server:
            await stopped.wait()
            # The clients have hung up by now, so every connection ends by itself.
            while handlers := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(handlers)

    address = Future()
    stopped = asyncio.Event()
    thread = threading.Thread(target=asyncio.run, args=(listen(),))
    thread.start()
    loop, port = address.result(timeout=10)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
