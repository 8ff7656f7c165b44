// SPDX-License-Identifier: Apache-2.0

/// Why a CPU cannot do what a function promises.
enum Refusal {
    case deviceCode
    case taskGraphs
    case hardware
    case links
    case images
    case singleOperators

    var reason: String {
        switch self {
        case .deviceCode: "Machine code for the NPU cannot run on this CPU"
        case .taskGraphs: "Capturing streams and building models out of tasks is not supported on this CPU"
        case .hardware: "This CPU does not have the registers and the task scheduler of an NPU"
        case .images: "This CPU does not have the image processor (DVPP) of an NPU"
        case .singleOperators: "Operators outside a model do not run on this CPU: put them into a model"
        case .links: "This host has no links between NPUs and no driver that could share through them"
        }
    }
}

/// What an argument must be, whatever the answer is.
enum ArgumentCheck {
    case pointer(String, UInt)
    case function(String, Bool)
    case positive(String, UInt)
    case reserved(String, Bool)
    case either(String, UInt, UInt)

    static func positive(_ argument: String, _ value: Int) -> ArgumentCheck {
        .positive(argument, UInt(bitPattern: value))
    }
    static func positive(_ argument: String, _ value: UInt32) -> ArgumentCheck { .positive(argument, UInt(value)) }

    var failure: Failure? {
        switch self {
        case .pointer(let argument, 0), .function(let argument, true), .either(let argument, 0, 0):
            Failure(ErrorCode.invalidParam, .nullPointer(argument: argument))
        case .positive(let argument, 0):
            Failure(
                ErrorCode.invalidParam, .invalid(argument: argument, value: "0", reason: "it must be greater than 0"))
        case .reserved(let argument, false):
            Failure(
                ErrorCode.invalidParam, .reserved(argument: argument, reason: "it is reserved and must be null or 0"))
        default: nil
        }
    }
}

/// Checks the arguments in order, then answers 207000: mistakes are told apart from what cannot be done.
func refuse(_ refusal: Refusal, _ checks: ArgumentCheck..., function: StaticString = #function) -> Int32 {
    status(function: function) { () throws(Failure) in
        for check in checks {
            if let failure = check.failure { throw failure }
        }
        throw Failure(ErrorCode.rtFeatureNotSupport, .unsupported(refusal.reason))
    }
}
