// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Makes the library usable in a forked child, where only the forking thread exists.
enum ForkSupport {
    private static let registration: Void = {
        _ = pthread_atfork(nil, nil) {
            // Other threads may have held any lock; none of them exists here.
            ErrorMessages.resetAfterFork()
            Notice.resetAfterFork()
            MemoryRegistry.shared.resetAfterFork()
            Initialization.shared.resetAfterFork()
            for device in Device.all { device.resetAfterFork() }
            Context.table.resetAfterFork()
            for context in Context.table.objects { context.resetAfterFork() }
            Stream.table.resetAfterFork()
            for stream in Stream.table.objects { stream.resetAfterFork() }
            DataBuffer.table.resetAfterFork()
            for buffer in DataBuffer.table.objects { buffer.resetAfterFork() }
            ModelEngine.resetAfterFork()
            Event.table.resetAfterFork()
            Notify.table.resetAfterFork()
            MemoryPool.table.resetAfterFork()
            PhysicalMemory.table.resetAfterFork()
            SharedBuffer.table.resetAfterFork()
            AddressSpace.shared.resetAfterFork()
            SharedMemory.shared.resetAfterFork()
            ManagedMemory.shared.resetAfterFork()
            ImageObjects.resetAfterFork()
            OperatorObjects.resetAfterFork()
            ModelDump.shared.resetAfterFork()
            ReportThread.resetAfterFork()
            TaskFailure.resetAfterFork()
        }
    }()

    /// Takes effect once.
    static func register() { registration }
}

extension Stream {
    /// The worker exists in the parent only: what it had in hand is the parent's business.
    fileprivate func resetAfterFork() {
        queue.resetAfterFork()
        callbackMode.resetAfterFork()
        queue.withLock { queue in
            queue.entries.removeAll()
            queue.completed = queue.submitted
            queue.worker = .none
        }
    }
}
